"""Advice sees what a call changed, to the bit, and nothing else."""

import pytest
import torch

from autograder.advice import Before
from autograder.values import flatten, unflatten
from course import Config, ToyTransformer

CONFIG = Config(n_layers=2, d_model=8, n_ctx=6, d_head=4, n_heads=2, d_vocab=11)
INPUTS = {
    "x": torch.tensor([0.0, torch.nan]),
    "parts": {"heads": [torch.arange(3), 2.5], "pair": (torch.ones(2), None)},
    "seen": {3, 1},
    "model": ToyTransformer.random(CONFIG, seed=1),
}


def after(change) -> list[str]:
    """Return what is said when a call has done `change` to fresh arguments."""
    tree, tensors = flatten(INPUTS)
    arguments = unflatten(tree, tensors, trusted=True)
    before = Before(arguments, tree["dict"], tensors)
    change(arguments)
    return before.advice()


def test_nothing_is_said_of_a_call_that_changes_nothing():
    assert after(lambda given: given["model"](torch.zeros(1, 3, dtype=torch.long))) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda given: given["x"].add_(1), "x"),
        (lambda given: given["x"].resize_(1), "x"),
        (lambda given: given["parts"]["heads"][0].zero_(), "parts"),
        (lambda given: given["parts"]["heads"].append(1), "parts"),
        (lambda given: given["parts"].pop("pair"), "parts"),
        (lambda given: given["seen"].add(7), "seen"),
        (lambda given: given["model"].W_E.data.zero_(), "model"),
    ],
)
def test_a_change_in_place_is_told_by_name(change, name):
    assert after(change) == [f"The argument `{name}` was changed in place: work on a copy."]


@pytest.mark.parametrize(
    "leave",
    [
        lambda model: model.blocks[0].register_forward_hook(print),
        lambda model: model.hook_embed.edits.append(print),
    ],
)
def test_hooks_left_behind(leave):
    (advice,) = after(lambda given: leave(given["model"]))
    assert advice.startswith("Hooks were left behind on `model`")


def test_torchs_switches_are_put_back():
    assert len(after(lambda _: torch.set_grad_enabled(False))) == 1
    assert len(after(lambda _: torch.set_default_dtype(torch.float64))) == 1
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
