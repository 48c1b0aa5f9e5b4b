"""Loading models and cards, and what is said when there are none."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest
import torch

from course import Config, ToyTransformer
from course.zoo import UnknownModelError, card, load, names, sha256, store


@pytest.fixture
def model() -> ToyTransformer:
    cfg = Config(n_layers=1, d_model=8, n_ctx=5, d_head=4, n_heads=2, d_vocab=6, dtype="float64")
    return ToyTransformer.random(cfg, seed=1)


def test_what_is_saved_is_loaded(model, tmp_path):
    path = store.save("specimen", model, tmp_path / "new")
    loaded = load("specimen", path.parent)
    assert loaded.cfg == model.cfg
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
        assert loaded.state_dict()[name].dtype == torch.float64
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_saving_twice_gives_the_same_bytes(model, tmp_path):
    first, second = (store.save("specimen", model, tmp_path / folder) for folder in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_each_load_returns_a_model_of_its_own():
    first, second = load("induction_by_hand"), load("induction_by_hand")
    with torch.no_grad():
        first.W_E.zero_()
    assert second.W_E.abs().sum() > 0


def test_every_model_has_a_card_that_describes_it():
    assert {"induction_2l", "induction_by_hand", "tinyworld"} <= set(names())
    for name in names():
        facts = card(name)
        assert facts["name"] == name
        assert facts["sha256"] == sha256(name)
        assert facts["config"] == load(name).cfg.to_dict()
        assert {"what", "data", "seed", "steps", "minutes", "licence"} <= facts.keys()
        assert facts["ground_truth"], name


@pytest.mark.parametrize("function", [load, card, sha256])
def test_an_unknown_name_is_an_error_that_names_the_near_match(function):
    with pytest.raises(UnknownModelError) as error:
        function("induction_by_hnad")
    assert str(error.value).startswith("The zoo has no model 'induction_by_hnad'. Did you mean")
    assert "'induction_by_hand'" in str(error.value)
    assert isinstance(error.value, KeyError)


def test_a_name_cannot_lead_out_of_the_folder():
    with pytest.raises(UnknownModelError):
        load("../weights/induction_2l")


def test_a_model_loads_without_its_card(model, tmp_path):
    store.save("specimen", model, tmp_path)
    assert names(tmp_path) == ["specimen"]
    with pytest.raises(FileNotFoundError, match=r"its card specimen\.json is not"):
        card("specimen", tmp_path)
    store.save_card("specimen", {"name": "specimen"}, tmp_path)
    assert card("specimen", tmp_path) == {"name": "specimen"}


def test_loading_imports_no_recipe():
    """Graded code must be able to load without the sources that hold the answers."""
    code = (
        "import json, sys, course.zoo; course.zoo.load('induction_by_hand');"
        "print(json.dumps([name for name in sys.modules if name.startswith('course.zoo.')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert set(json.loads(done.stdout)) == {
        "course.zoo.disguises",
        "course.zoo.repeated",
        "course.zoo.store",
    }
