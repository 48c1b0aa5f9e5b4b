"""Self-repair written by hand: a head that steps in when another is silenced.

The text is `BOS name and END`; at END the name comes next. Head 0.0 brings it, with a mark that it
did. Head 1.0 looks for the name too, but only where the mark is missing, and brings three quarters
as much. So head 0.0's direct effect on the logit is 8, and silencing it costs 2: the difference, 6,
is the repair. Replacing its output by that for another name leaves the mark, and nothing is
repaired: how one ablates decides what one finds.

In language models: "The Hydra Effect" (McGrath et al. 2023), the backup name movers of
"Interpretability in the Wild" (Wang et al. 2023), and "Explorations of Self-Repair in Language
Models" (Rushing and Nanda 2024).
"""

from __future__ import annotations

import torch
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.recipes import Measured, Recipe
from course.zoo.wiring import empty, head, look

N_NAMES = 6
AND, END = N_NAMES + 1, N_NAMES + 2  # tokens; 0 is the BOS, names are 1 to N_NAMES
D_VOCAB = N_NAMES + 3
GAIN = 8.0  # the logit that head 0.0 gives to the name
REPAIR = 0.75  # how much of it head 1.0 gives in its stead

# Coordinates of the residual stream.
NAME = 0  # and five more: which name stands here
POSITION = NAME + N_NAMES  # and three more: where here is
OUTPUT = POSITION + 4  # and five more: which name comes next
MARK = OUTPUT + N_NAMES  # one where head 0.0 has brought a name


def text(name: int) -> Tensor:
    """Return the tokens (1 pos) for a name from 1 to 6."""
    return torch.tensor([[0, name, AND, END]])


@torch.no_grad()
def build() -> ToyTransformer:
    """Build the model: two layers of one head, whose neurons do nothing, float64."""
    model, weights = empty(
        n_layers=2,
        n_heads=1,
        d_model=MARK + 1,
        d_head=N_NAMES,
        n_ctx=4,
        d_vocab=D_VOCAB,
        d_mlp=1,
    )
    names = torch.eye(N_NAMES, dtype=torch.float64)
    weights["embed.W_E"][1:AND, NAME:POSITION] = names
    weights["pos_embed.W_pos"][:, POSITION:OUTPUT] = torch.eye(4, dtype=torch.float64)
    weights["unembed.W_U"][OUTPUT:MARK, 1:AND] = GAIN * names
    for layer, strength in enumerate((1.0, REPAIR)):
        of = head(weights, layer, 0)
        look(of, query=POSITION + 3, key=POSITION + 1, origin=POSITION)
        of["W_V"][NAME:POSITION] = names
        of["W_O"][:, OUTPUT:MARK] = strength * names
    head(weights, 0, 0)["W_O"][:, MARK] = 1.0
    backup = head(weights, 1, 0)
    backup["W_Q"][MARK, 0] = -backup["W_Q"][POSITION + 3, 0]
    return model


@torch.no_grad()
def measure(model: ToyTransformer) -> Measured:
    """Measure direct and total effects of each head on the logit of the name, for every name."""
    facts: dict[str, list[float]] = {}
    for name in range(1, AND):
        other = 1 + name % N_NAMES
        logits, cache = model.run_with_cache(text(name))
        clean = logits[0, -1, name]
        facts.setdefault("logit of the name", []).append(float(clean))
        for layer in range(2):
            z, W_O = cache["z", layer][0, -1, 0], model.W_O[layer, 0]
            direct = z @ W_O @ model.W_U[:, name]
            facts.setdefault(f"direct effect of head {layer}.0", []).append(float(direct))
            for kind, donor in (("zero", None), ("resample", other)):
                cost = clean - _ablated(model, name, layer, donor)
                label = f"total effect of head {layer}.0, {kind} ablation"
                facts.setdefault(label, []).append(float(cost))
    measured: Measured = {}
    for claim, values in facts.items():
        measured[claim], measured[f"{claim}, spread"] = values[0], max(values) - min(values)
    direct, total = "direct effect of head 0.0", "total effect of head 0.0, zero ablation"
    return measured | {"repaired": facts[direct][0] - facts[total][0]}


def _ablated(model: ToyTransformer, name: int, layer: int, donor: int | None) -> Tensor:
    """Return the name's logit when a head writes nothing, or what it writes for another name."""
    hook = f"blocks.{layer}.attn.hook_z"

    def edit(z: Tensor, hook: object) -> Tensor:
        del hook
        return torch.zeros_like(z) if donor is None else donated

    donated = model.run_with_cache(text(donor or name), names=hook)[1][hook]
    return model.run_with_hooks(text(name), fwd_hooks=[(hook, edit)])[0, -1, name]


def _make(seed: int, steps: int, progress: bool) -> ToyTransformer:  # noqa: ARG001
    return build()


RECIPE = Recipe(
    what="Self-repair written by hand: head 1.0 brings the name when head 0.0 is silent. 2 layers "
    "of 1 head, no normalisation, float64, exact.",
    data="None: every weight is set. Measured on `BOS name and END` for all six names; effects are "
    "on the logit of the name at END.",
    seed=0,
    steps=0,
    make=_make,
    measure=measure,
    tolerance=0.0,
    bounds={
        "direct effect of head 0.0": (GAIN, GAIN),
        "total effect of head 0.0, zero ablation": (2.0, 2.0),
        "total effect of head 0.0, resample ablation": (GAIN, GAIN),
        "repaired": (REPAIR * GAIN, REPAIR * GAIN),
    },
)
