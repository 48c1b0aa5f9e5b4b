"""The instruments on a GPT-2 that comes from `transformers`, in float32 and unchanged by them."""

import pytest
import torch
from specimens import make
from torch.testing import assert_close

from course import from_huggingface, to_huggingface
from course.ablation import ablate, mean_values
from course.attribution_patching import attribution_patch
from course.direct_attribution import logit_attribution
from course.lens import fit_shortcut, logit_lens
from course.metrics import logit_difference
from course.patching import patch
from course.path_patching import path_patch
from course.sites import Site, grid

OTHER = torch.tensor([[0, 2, 3, 5, 10], [4, 8, 1, 9, 1]])
METRIC = logit_difference(torch.tensor([1, 2]), torch.tensor([3, 4]))


@pytest.fixture(scope="module")
def model():
    return from_huggingface(to_huggingface(make("gpt2", dtype="float32", d_head=2)))


def test_direct_attribution_and_lenses(model, tokens):
    logits, cache = model.run_with_cache(tokens)
    for by in ("component", "head", "neuron"):
        done = logit_attribution(model, cache, torch.tensor([1, 2]), torch.tensor([3, 4]), by=by)
        assert_close(done.total, METRIC(logits), rtol=0, atol=1e-5)
    assert_close(logit_lens(model, cache)[-1], logits)
    pool = torch.randint(11, (20, 5), generator=torch.Generator().manual_seed(0))
    assert_close(fit_shortcut(model, pool)(model, cache)[-1], logits)


def test_patching_and_its_kin(model, tokens):
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    heads, last = grid(model, "z", "layer head"), Site("blocks.1.hook_resid_post")
    patched = patch(model, tokens, OTHER, heads, METRIC)
    ablated = ablate(model, tokens, heads, METRIC, mean_values(model, OTHER, _is_z))
    line = attribution_patch(model, tokens, OTHER, heads, METRIC)
    path = path_patch(model, tokens, OTHER, heads, last, METRIC)
    for done in (patched, ablated, line, path):
        assert done.values.shape == (2, 3, 2)
        assert done.values.dtype == torch.float32
        assert (done.effect != 0).any()
    whole = patch(model, tokens, OTHER, last, METRIC)
    assert_close(whole.values[0], whole.source)
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())


def _is_z(name: str) -> bool:
    return name.endswith("hook_z")
