"""`import course` brings in torch and einops; what is heavier comes when it is used."""

import subprocess
import sys

import pytest

import course

HEAVY = ("matplotlib", "transformers", "safetensors", "autograder", "pandas", "IPython", "numba")


def run(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_importing_course_imports_nothing_heavy():
    code = f"import course, sys; print([name for name in {HEAVY} if name in sys.modules])"
    assert run(code) == "[]"


def test_importing_course_leaves_torchs_threads_and_seed_alone():
    code = (
        "import torch; threads, seed = torch.get_num_threads(), torch.get_rng_state(); "
        "import course; "
        "print(threads == torch.get_num_threads(), torch.equal(seed, torch.get_rng_state()))"
    )
    assert run(code) == "True True"


def test_using_the_model_imports_nothing_heavy():
    code = (
        "import course, sys, torch; "
        "cfg = course.Config(n_layers=1, d_model=4, n_ctx=4, d_head=2, n_heads=2, d_vocab=5); "
        "course.ToyTransformer(cfg).run_with_cache(torch.zeros(1, 3, dtype=torch.int64)); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert run(code) == "[]"


def test_asking_for_the_way_in_does_not_import_transformers_yet():
    code = "import course, sys; course.from_huggingface; print('transformers' in sys.modules)"
    assert run(code) == "False"


@pytest.mark.parametrize("name", course.__all__)
def test_every_public_name_is_there(name):
    assert getattr(course, name) is not None
    assert name in dir(course)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'course' has no attribute 'TinyTransformer'"):
        course.TinyTransformer  # noqa: B018
