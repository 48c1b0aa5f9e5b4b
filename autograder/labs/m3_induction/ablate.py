"""Exercise 4: what the model loses without each head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from autograder.draw import Draw
from autograder.labs.m3_induction.trained import disguised_induction
from autograder.spec import Exercise, Misconception
from course import Config, ToyTransformer, zoo

Tokens = Int[Tensor, "batch pos"]
Hook = tuple[str, Callable[..., Tensor]]


def _random_model(draw: Draw, d_vocab: int, n_ctx: int) -> ToyTransformer:
    """Return a small model all of whose weights matter: large, with biases and uneven gains."""
    n_layers, n_heads = draw.choice((2, 3), (3, 2), (3, 4), (2, 5))
    model = ToyTransformer(
        Config(
            n_layers=n_layers,
            n_heads=n_heads,
            d_model=16,
            d_head=draw.integer(3, 5),
            d_mlp=24,
            d_vocab=d_vocab,
            n_ctx=n_ctx,
        )
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            gain = 1.0 if "ln" in name and name.endswith(".w") else 0.0
            fan_in = weight.shape[-2] if weight.ndim > 1 else 16
            weight.copy_(draw.normal(*weight.shape, scale=1.2 / fan_in**0.5, mean=gain))
    return model


def _losses(model: ToyTransformer, tokens: Tokens, hooks: list[Hook]) -> Tensor:
    """Return (batch pos-1): the loss of the prediction made at each position but the last."""
    with torch.no_grad():
        logits = model.run_with_hooks(tokens, fwd_hooks=hooks)[:, :-1]
    return cross_entropy(rearrange(logits, "b p v -> b v p"), tokens[:, 1:], reduction="none")


def _second_copy_loss(
    model: ToyTransformer, tokens: Tokens, period: int, hooks: list[Hook]
) -> float:
    return float(_losses(model, tokens, hooks)[:, period + 1 :].mean())


def _z(layer: int) -> str:
    return f"blocks.{layer}.attn.hook_z"


def _remove(layer: int, head: int) -> Hook:
    def edit(z: Tensor, hook: Any) -> Tensor:
        z[:, :, head] = 0.0
        return z

    return _z(layer), edit


def _remove_position(layer: int, head: int) -> Hook:
    def edit(z: Tensor, hook: Any) -> Tensor:
        z[:, head] = 0.0
        return z

    return _z(layer), edit


def _mean_instead(layer: int, head: int) -> Hook:
    def edit(z: Tensor, hook: Any) -> Tensor:
        z[:, :, head] = z[:, :, head].mean((0, 1))
        return z

    return _z(layer), edit


def _remove_layer(layer: int, head: int) -> Hook:
    return _z(layer), lambda z, _: torch.zeros_like(z)


def _table(model: ToyTransformer, entry: Callable[[int, int], float]) -> Tensor:
    layers, heads = range(model.cfg.n_layers), range(model.cfg.n_heads)
    dtype = model.W_Q.dtype
    return torch.tensor([[entry(layer, head) for head in heads] for layer in layers], dtype=dtype)


def _rise(model, tokens, period, edit=_remove, loss=None) -> Tensor:
    loss = loss or _second_copy_loss
    intact = loss(model, tokens, period, [])
    return _table(model, lambda *at: loss(model, tokens, period, [edit(*at)]) - intact)


def _accumulates(model, tokens, period):
    hooks: list[Hook] = []
    intact = _second_copy_loss(model, tokens, period, hooks)

    def entry(layer: int, head: int) -> float:
        hooks.append(_remove(layer, head))
        return _second_copy_loss(model, tokens, period, hooks) - intact

    return _table(model, entry)


def _late_binding(model, tokens, period):
    return _rise(model, tokens, period)[:, -1:].repeat(1, model.cfg.n_heads)


def _last_left_out(model, tokens, period):
    return _rise(
        model,
        tokens,
        period,
        loss=lambda m, t, p, hooks: float(_losses(m, t, hooks)[:, p + 1 : -1].mean()),
    )


def _not_subtracted(model, tokens, period):
    return _table(model, lambda *at: _second_copy_loss(model, tokens, period, [_remove(*at)]))


def _all_positions(model, tokens, period):
    return _rise(
        model, tokens, period, loss=lambda m, t, _, hooks: float(_losses(m, t, hooks).mean())
    )


def _first_of_second_copy(model, tokens, period):
    return _rise(
        model, tokens, period, loss=lambda m, t, p, hooks: float(_losses(m, t, hooks)[:, p:].mean())
    )


def _no_shift(model, tokens, period, begin=1, end: int | None = -1):
    def loss(model: ToyTransformer, tokens: Tokens, period: int, hooks: list[Hook]) -> float:
        with torch.no_grad():
            logits = model.run_with_hooks(tokens, fwd_hooks=hooks)
        losses = cross_entropy(rearrange(logits, "b p v -> b v p"), tokens, reduction="none")
        return float(losses[:, period + begin : end].mean())

    return _rise(model, tokens, period, loss=loss)


def _logits_of_the_tokens(model, tokens, period):
    return _no_shift(model, tokens, period, begin=2, end=None)


def _sums(model, tokens, period):
    return _rise(
        model,
        tokens,
        period,
        loss=lambda m, t, p, hooks: float(_losses(m, t, hooks)[:, p + 1 :].sum()),
    )


def _ablate_case(draw: Draw) -> dict[str, Any]:
    """Draw until some head matters, and the last prediction too."""

    def matters(case: dict[str, Any]) -> bool:
        rise = _rise(**case)
        largest, last = rise.abs().max(), (_last_left_out(**case) - rise).abs().max()
        return bool(largest > 0.2 and last > 0.0015 * largest)

    return draw.until(draw.choice(*[_random_case] * 3, disguised_induction), matters)


def _random_case(draw: Draw) -> dict[str, Any]:
    d_vocab, period = draw.integer(9, 13), draw.integer(5, 8)
    tokens = zoo.repeated_tokens(draw.integer(5, 7), period, d_vocab, draw.generator)
    model = _random_model(draw, d_vocab, tokens.shape[1])
    return {"model": model, "tokens": tokens, "period": period}


ABLATE_HEADS = Exercise(
    name="ablate_heads",
    title="Ablate every head",
    claim="What the model owes to a head is the rise of its loss when the head is taken away, and "
    "it owes most to few of them.",
    objective="Measure what each head is worth by zero ablation, one at a time.",
    points=3,
    minutes=15,
    difficulty=4,
    axes="layer head",
    case=_ablate_case,
    misconceptions=(
        Misconception(
            "hooks_accumulate",
            "leaves each ablated head ablated while it goes on to the next",
            "After the last head, how many heads are at work in your model? Ablate the heads in "
            "the reverse order: does a head's number change?",
            _accumulates,
        ),
        Misconception(
            "last_head_everywhere",
            "takes away the last head of the layer for every entry of its row",
            "A function made in a loop looks its variables up when it is called. Which value has "
            "`head` then?",
            _late_binding,
        ),
        Misconception(
            "leaves_out_last_prediction",
            "leaves out the last prediction, which is made at 2 * period - 1",
            "Which token does the last prediction that you count stand for?",
            _last_left_out,
        ),
        Misconception(
            "sign_turned",
            "subtracts the ablated loss from the intact one",
            "A head that the model needs should get a positive number: its loss rises.",
            lambda model, tokens, period: -_rise(model, tokens, period),
        ),
        Misconception(
            "intact_not_subtracted",
            "returns the loss after ablation, not its rise",
            "What number should a head get that does nothing?",
            _not_subtracted,
        ),
        Misconception(
            "all_positions",
            "averages the loss over all positions, the unpredictable first copy included",
            "Can any model predict the first copy? What do those positions add to the average?",
            _all_positions,
        ),
        Misconception(
            "first_of_second_copy",
            "counts one prediction too many: that of the first token of the second copy",
            "At the last token of the first copy, has this token been seen before? The first "
            "query that counts stands at period + 1.",
            _first_of_second_copy,
        ),
        Misconception(
            "no_shift",
            "compares the logits at a position with the token at the same position",
            "The logits at position p are about the token at p + 1.",
            _no_shift,
        ),
        Misconception(
            "logits_of_the_tokens",
            "reads the logits at period + 2 to 2 * period, where the predicted tokens stand",
            "The token at period + 2 has been read when the logits at period + 2 are written. "
            "Which logits were a guess about it?",
            _logits_of_the_tokens,
        ),
        Misconception(
            "sum_over_predictions",
            "adds the cross-entropies up where the mean is asked for",
            "Repeat the batch, so that it has twice as many sequences: does your number double?",
            _sums,
        ),
        Misconception(
            "hook_changes_nothing",
            "takes nothing away: all numbers are 0",
            "`model.hooks(...)` acts only inside a `with` block. And a hook has to change z in "
            "place, or return what is to stand there: which does yours do?",
            lambda model, tokens, period: 0 * _not_subtracted(model, tokens, period),
        ),
        Misconception(
            "whole_layer",
            "ablates the whole layer, so that all heads of a layer get the same number",
            "z has the axes (batch, pos, head, d_head). Which index picks one head?",
            lambda model, tokens, period: _rise(model, tokens, period, edit=_remove_layer),
        ),
        Misconception(
            "zeroes_a_position",
            "sets a position of z to zero where it should be a head",
            "z has the axes (batch, pos, head, d_head). What does `z[:, 2]` pick?",
            lambda model, tokens, period: _rise(model, tokens, period, edit=_remove_position),
        ),
        Misconception(
            "mean_ablation",
            "replaces z by its mean where zero is asked for",
            "Both are ablations, and they answer different questions. Which one does the text "
            "define?",
            lambda model, tokens, period: _rise(model, tokens, period, edit=_mean_instead),
        ),
    ),
    hints=(
        "One number needs two runs: the model as it is, and the model with one head's z at zero. "
        "How does a hook get at z, and how do you make sure that it is gone before the next head?",
        "Write a small function that takes a list of hooks and returns the mean loss over the "
        "predictions that count. Call it with no hook once, then once for each head with one hook, "
        "and subtract. `run_with_hooks` removes its hooks by itself.",
        'The hook goes on `f"blocks.{layer}.attn.hook_z"`: set `z[:, :, head] = 0` and return z. '
        "The predictions that count are `logits[:, period + 1 : -1]`, to be compared with "
        "`tokens[:, period + 2 :]`.",
    ),
    seconds=10.0,
    public_cases=3,
)
