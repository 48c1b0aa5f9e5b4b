"""Directions: what they point at, and what a hook takes out or adds."""

import pytest
import torch
from torch.testing import assert_close

from course.directions import ablate_direction, add_direction, difference_of_means

NAME = "blocks.1.hook_resid_pre"
DIRECTION = torch.tensor([3.0, 0, 4, 0, 0, -12], dtype=torch.float64)


def stream(model, tokens, *hooks):
    with model.hooks([(NAME, hook) for hook in hooks]):
        return model.run_with_cache(tokens, names=NAME)[1][NAME].detach()


def test_difference_of_means():
    x = torch.tensor([[1.0, 5.0], [3.0, 5.0], [10.0, 7.0]])
    found = difference_of_means(x, torch.tensor([True, True, False]))
    assert_close(found, torch.tensor([-8.0, -2.0]))


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_the_component_becomes_the_value_and_the_rest_stays(gpt2, tokens, value):
    unit = DIRECTION / DIRECTION.norm()
    before = stream(gpt2, tokens)
    after = stream(gpt2, tokens, ablate_direction(DIRECTION, value=value))
    assert_close(after @ unit, torch.full((2, 5), value, dtype=torch.float64))
    rest = torch.eye(6, dtype=torch.float64) - torch.outer(unit, unit)
    assert_close(after @ rest, before @ rest)
    again = ablate_direction(-7 * DIRECTION, value=-value)
    assert_close(stream(gpt2, tokens, again), after)


def test_addition_is_as_long_as_the_direction(gpt2, tokens):
    before = stream(gpt2, tokens)
    after = stream(gpt2, tokens, add_direction(DIRECTION, -0.5))
    assert_close(after, before - DIRECTION / 2)


@pytest.mark.parametrize("pos", [0, -1, slice(1, 3)])
def test_only_some_positions(gpt2, tokens, pos):
    before = stream(gpt2, tokens)
    for hook in (add_direction(DIRECTION, pos=pos), ablate_direction(DIRECTION, pos=pos)):
        changed = (stream(gpt2, tokens, hook) != before).any(dim=-1)
        expected = torch.zeros(2, 5, dtype=torch.bool)
        expected[:, pos] = True
        assert (changed == expected).all()


def test_the_model_is_as_before_and_downstream_has_changed(gpt2, tokens):
    plain = gpt2(tokens)
    steered = gpt2.run_with_hooks(tokens, fwd_hooks=[(NAME, add_direction(DIRECTION))])
    assert (steered - plain).abs().max() > 1e-3
    assert_close(gpt2(tokens), plain)


def test_gradients_pass(gpt2, tokens):
    out = gpt2.run_with_hooks(tokens, fwd_hooks=[(NAME, ablate_direction(DIRECTION))])
    out.sum().backward()
    assert gpt2.embed.W_E.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, t: difference_of_means(torch.rand(3, 2), torch.ones(3) > 0), "some not"),
        (lambda m, t: difference_of_means(torch.rand(3, 2), torch.ones(3)), "torch.bool"),
        (lambda m, t: ablate_direction(torch.zeros(6)), "above 0"),
        (lambda m, t: add_direction(torch.ones(6, 1)), "\\(d\\)"),
        (lambda m, t: add_direction(torch.full((6,), torch.nan)), "finite"),
        (lambda m, t: stream(m, t, add_direction(torch.ones(5))), "last axis"),
        (lambda m, t: stream(m, t, add_direction(DIRECTION, pos=5)), "5 positions"),
    ],
)
def test_bad_input(gpt2, tokens, call, said):
    with pytest.raises(ValueError, match=said):
        call(gpt2, tokens)
