"""Three gates written by hand, on which noising and denoising disagree.

The text is `BOS a b c READ`, each input OFF (0), ON (1) or HIGH (2). Three heads bring the inputs
to READ, and neurons compute, for inputs of 0 or 1 where no more is said:

    AND   relu(a + b - 1)                 both are needed, neither is enough
    OR    a + b - relu(a + b - 1)         either is enough, neither is needed
    CAP   c - relu(c - 1)                 rises until c is 1, then is flat

Spoil one input of AND in a run where both are ON (noising), and everything is lost; restore one
where both are OFF (denoising), and nothing is gained. With OR it is the other way round. So neither
experiment alone says what matters (Heimersheim and Nanda, "How to use and interpret activation
patching", 2024). CAP misleads gradients: from 0 to 2 it rises by 1, and the gradient at 0, times
the change of the input, says 2; the gradient at 2 says 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.recipes import Measured, Recipe
from course.zoo.wiring import empty, head, look

OFF, ON, HIGH, READ, AND, OR, CAP = range(1, 8)  # 0 is the BOS
INPUTS = ("a", "b", "c")
LAST = 4  # the position of READ
GAIN = 8.0  # the logit of a gate that is open; BOS and all inputs have 0

# Coordinates of the residual stream.
VALUE = 0  # what the input here says
POSITION = 1  # and four more: where here is
BROUGHT = 6  # and two more: a, b and c, at READ
OUT = 9  # and two more: AND, OR and CAP, at READ


def text(a: int, b: int, c: int) -> Tensor:
    """Return the tokens (1 pos) for inputs of 0, 1 or 2: `text(1, 0, 2)`."""
    return torch.tensor([[0, OFF + a, OFF + b, OFF + c, READ]])


@torch.no_grad()
def build() -> ToyTransformer:
    """Build the gates: one layer of three heads (one an input) and two neurons, float64."""
    model, weights = empty(n_layers=1, n_heads=3, d_model=12, d_head=2, n_ctx=5, d_vocab=8, d_mlp=2)
    weights["embed.W_E"][OFF : HIGH + 1, VALUE] = torch.arange(3.0, dtype=torch.float64)
    weights["pos_embed.W_pos"][:, POSITION:BROUGHT] = torch.eye(5, dtype=torch.float64)
    for index in range(3):
        of = head(weights, 0, index)
        look(of, query=POSITION + LAST, key=POSITION + 1 + index, origin=POSITION)
        of["W_V"][VALUE, 0] = 1.0
        of["W_O"][0, BROUGHT + index] = 1.0
    a, b, c = range(BROUGHT, BROUGHT + 3)
    W_in, W_out = weights["blocks.0.mlp.W_in"], weights["blocks.0.mlp.W_out"]
    W_in[[a, b], 0] = 1.0
    W_in[c, 1] = 1.0
    weights["blocks.0.mlp.b_in"][:] = -1.0
    W_out[0, OUT] = 1.0
    W_out[0, OUT + 1] = -1.0
    W_out[1, OUT + 2] = -1.0
    W_U = weights["unembed.W_U"]
    W_U[OUT, AND] = W_U[OUT + 1, OR] = W_U[OUT + 2, CAP] = GAIN
    W_U[[a, b], OR] = GAIN  # the direct path, from which the neuron takes what is too much
    W_U[c, CAP] = GAIN
    return model


@torch.no_grad()
def gates(model: ToyTransformer, tokens: Tensor, **replaced: Tensor) -> dict[str, float]:
    """Return how far each gate is open, after replacing what some heads bring (`a=z`)."""

    def edit(z: Tensor, hook: object) -> None:
        del hook
        for name, value in replaced.items():
            z[:, :, INPUTS.index(name)] = value

    logits = model.run_with_hooks(tokens, fwd_hooks=[("blocks.0.attn.hook_z", edit)])[0, -1]
    return {name: float(logits[token] / GAIN) for name, token in _TOKENS.items()}


_TOKENS = {"AND": AND, "OR": OR, "CAP": CAP}


def measure(model: ToyTransformer) -> Measured:
    """Measure the truth table, and noising and denoising of the heads that bring a and c."""
    facts: Measured = {}
    for a, b in ((0, 0), (1, 0), (0, 1), (1, 1)):
        opened = gates(model, text(a, b, 0))
        facts |= {f"{gate} at a={a} b={b}": opened[gate] for gate in ("AND", "OR")}
    facts |= {f"CAP at c={c}": gates(model, text(0, 0, c))["CAP"] for c in range(3)}
    clean, corrupt = text(1, 1, 2), text(0, 0, 0)
    z = {"clean": _brought(model, clean), "corrupt": _brought(model, corrupt)}
    before, after = gates(model, clean), gates(model, corrupt)
    for index, name in enumerate(INPUTS):
        noised = gates(model, clean, **{name: z["corrupt"][:, :, index]})
        denoised = gates(model, corrupt, **{name: z["clean"][:, :, index]})
        for gate in ("CAP",) if name == "c" else ("AND", "OR"):
            facts[f"{gate} lost by noising {name}"] = before[gate] - noised[gate]
            facts[f"{gate} regained by denoising {name}"] = denoised[gate] - after[gate]
    change = z["clean"] - z["corrupt"]
    for run, tokens in (("corrupt", corrupt), ("clean", clean)):
        estimate = (_gradient(model, tokens, CAP) * change).sum() / GAIN
        facts[f"CAP by attribution, gradient at {run}"] = float(estimate)
    return facts


def _brought(model: ToyTransformer, tokens: Tensor) -> Tensor:
    with torch.no_grad():
        return model.run_with_cache(tokens, names="blocks.0.attn.hook_z")[1]["z", 0]


def _gradient(model: ToyTransformer, tokens: Tensor, token: int) -> Tensor:
    """Return the gradient of a logit at READ by what the heads bring."""
    with torch.enable_grad():
        logits, cache = model.run_with_cache(tokens, names="blocks.0.attn.hook_z")
        return torch.autograd.grad(logits[0, -1, token], cache["z", 0])[0]


def _make(seed: int, steps: int, progress: bool) -> ToyTransformer:  # noqa: ARG001
    return build()


RECIPE = Recipe(
    what="AND, OR and a saturating gate written by hand, on which noising and denoising disagree: "
    "1 layer, 3 heads, 2 ReLU neurons, no normalisation, float64, exact.",
    data="None: every weight is set. Measured on `BOS a b c READ`; effects are in units of an open "
    "gate, clean a=1 b=1 c=2, corrupt a=0 b=0 c=0, patched at the head that brings the input.",
    seed=0,
    steps=0,
    make=_make,
    measure=measure,
    tolerance=0.0,
    bounds={
        "AND lost by noising a": (1.0, 1.0),
        "AND regained by denoising a": (0.0, 0.0),
        "OR lost by noising a": (0.0, 0.0),
        "OR regained by denoising a": (1.0, 1.0),
        "CAP by attribution, gradient at corrupt": (2.0, 2.0),
    },
)
