"""Direct logit attribution: which part wrote the answer.

The last residual stream is a sum: embeddings, and what every head and MLP has added. The logits
are linear in it, but for the last normalisation, and that is linear too once its scale is taken as
given. So the logit difference is a sum over parts as well, exact to rounding, with one term left
over that no part wrote: the biases of the last LayerNorm and of the unembedding. It counts what a
part writes for the logits itself, not what others read from it.

Sources: Elhage et al., "A Mathematical Framework for Transformer Circuits" (2021); Wang et al.,
"Interpretability in the Wild" (2022).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from einops import einsum
from jaxtyping import Float, Int
from torch import Tensor

from course.cache import ActivationCache
from course.intervals import Interval, bootstrap
from course.metrics import Positions, Tokens, check_ids
from course.model import ToyTransformer

By = Literal["component", "head", "neuron"]


@dataclass(frozen=True)
class Attribution:
    """What each part adds to the logit difference.

    Attributes:
        labels: the parts' names, such as `embed`, `0.1` (a head), `0 mlp_out`, `1 b_O`.
        values: (part batch).
        bias: (batch), what the biases of the last LayerNorm and of the unembedding add.

    """

    labels: list[str]
    values: Float[Tensor, "part batch"]
    bias: Float[Tensor, "batch"]

    @property
    def total(self) -> Float[Tensor, "batch"]:
        """The sum of it all, which is the logit difference."""
        return self.values.sum(dim=0) + self.bias

    def interval(self, label: str) -> Interval:
        """Return the mean of one part over the sequences, with n and its interval."""
        return bootstrap(self.values[self.labels.index(label)])


def decompose_resid(
    model: ToyTransformer, cache: ActivationCache, by: By = "component"
) -> tuple[list[str], Float[Tensor, "part batch pos d_model"]]:
    """Return the parts that sum to the last residual stream.

    Args:
        model: the model that was run.
        cache: its activations.
        by: `component` for embeddings and what each layer's attention and MLP add; `head` for the
            heads instead of attention, and its bias; `neuron` for the neurons instead of MLPs too.

    Returns:
        The parts' names, in the order in which they are written, and what they write. Neurons make
        a large tensor; `logit_attribution` does without it.

    Raises:
        ValueError: for another `by`.
        UnknownHookError: if the cache lacks an activation.

    """
    if by not in get_args(By):
        raise ValueError(f"decompose_resid was given by={by!r}; expected one of {get_args(By)}.")
    names = [name for name in ("embed", "pos_embed") if f"hook_{name}" in model.hook_names]
    labels, parts = list(names), [cache[name][None] for name in names]
    for layer in range(model.cfg.n_layers):
        for more, values in _of_layer(model, cache, layer, by):
            labels += more
            parts.append(values)
    return labels, torch.cat(parts)


def logit_attribution(
    model: ToyTransformer,
    cache: ActivationCache,
    correct: Tokens,
    wrong: Tokens,
    pos: Positions = -1,
    by: By = "component",
) -> Attribution:
    """Return what each part adds to the logit of `correct` minus that of `wrong`.

    The parts and the bias sum to the logit difference of the run.

    Args:
        model: the model that was run.
        cache: its activations.
        correct: a token, or one for each sequence.
        wrong: likewise.
        pos: the position at which they are predicted, or one for each sequence.
        by: which parts: see `decompose_resid`.

    Raises:
        ValueError: for tokens or positions that do not exist, or another `by`.
        UnknownHookError: if the cache lacks an activation.

    """
    read, bias = logit_direction(model, cache, correct, wrong, pos)
    labels, parts = decompose_resid(model, cache, "head" if by == "neuron" else by)
    values = einsum(_at(parts, pos), read, "part batch d_model, batch d_model -> part batch")
    if by == "neuron" and not model.cfg.attn_only:
        labels, values = _by_neuron(model, cache, labels, values, read, pos)
    return Attribution(labels, values, bias)


def logit_direction(
    model: ToyTransformer,
    cache: ActivationCache,
    correct: Tokens,
    wrong: Tokens,
    pos: Positions = -1,
) -> tuple[Float[Tensor, "batch d_model"], Float[Tensor, "batch"]]:
    """Return the direction of the last residual stream that is read as the logit difference.

    The logit difference is the stream times this direction, plus the bias that comes second.
    Normalisation is part of it, with its scale taken from the run.

    Raises:
        ValueError: for tokens or positions that do not exist.

    """
    check_ids(correct=correct, wrong=wrong)
    last = cache["resid_post", -1]
    both = torch.stack([_for_each(ids, len(last)) for ids in (correct, wrong)])
    if int(both.max()) >= model.cfg.d_vocab:
        raise ValueError(
            f"logit_direction was given the token {int(both.max())}; expected 0 to "
            f"{model.cfg.d_vocab - 1} (d_vocab={model.cfg.d_vocab}).\n"
            "It may have been made for another model."
        )
    columns = model.W_U.T[both]  # (2 batch d_model)
    read, bias = columns[0] - columns[1], model.b_U[both[0]] - model.b_U[both[1]]
    if model.cfg.normalization_type is None:
        return read, bias
    if model.cfg.normalization_type == "LN":
        bias = bias + read @ model.get_parameter("ln_final.b")
    read = read * model.get_parameter("ln_final.w")
    if model.cfg.normalization_type == "LN":
        read = read - read.mean(dim=-1, keepdim=True)  # taking the mean off is its own transpose
    return read / _at(cache["ln_final.hook_scale"][None], pos)[0], bias


def _of_layer(
    model: ToyTransformer, cache: ActivationCache, layer: int, by: By
) -> Iterator[tuple[list[str], Float[Tensor, "part batch pos d_model"]]]:
    """Yield the names of one layer's parts, and what they write."""
    cfg, block = model.cfg, f"blocks.{layer}."
    like = cache["resid_post", layer]

    def bias(name: str) -> Tensor:
        return model.get_parameter(block + name).expand(1, *like.shape)

    if by == "component":
        yield [f"{layer} attn_out"], cache["attn_out", layer][None]
    else:
        W_O = model.get_parameter(f"{block}attn.W_O")
        equation = "batch pos head d_head, head d_head d_model -> head batch pos d_model"
        heads = [f"{layer}.{head}" for head in range(cfg.n_heads)]
        yield heads, einsum(cache["z", layer], W_O, equation)
        yield [f"{layer} b_O"], bias("attn.b_O")
    if cfg.attn_only:
        return
    if by != "neuron":
        yield [f"{layer} mlp_out"], cache["mlp_out", layer][None]
    else:
        W_out = model.get_parameter(f"{block}mlp.W_out")
        equation = "batch pos d_mlp, d_mlp d_model -> d_mlp batch pos d_model"
        yield _neurons(model, layer), einsum(cache["post", layer], W_out, equation)
        yield [f"{layer} b_out"], bias("mlp.b_out")


def _by_neuron(
    model: ToyTransformer,
    cache: ActivationCache,
    labels: list[str],
    values: Float[Tensor, "part batch"],
    read: Float[Tensor, "batch d_model"],
    pos: Positions,
) -> tuple[list[str], Float[Tensor, "part batch"]]:
    """Replace what each MLP adds by what each of its neurons and its bias add.

    What a neuron writes is its activation times a row of `W_out`. Read first, and a number is left.
    """
    new_labels, rows = [], []
    for label, value in zip(labels, values, strict=True):
        if not label.endswith(" mlp_out"):
            new_labels.append(label)
            rows.append(value[None])
            continue
        layer = int(label.split()[0])
        mlp = f"blocks.{layer}.mlp."
        weights = einsum(read, model.get_parameter(f"{mlp}W_out"), "b d_model, n d_model -> n b")
        new_labels += [*_neurons(model, layer), f"{layer} b_out"]
        rows += [
            _at(cache["post", layer][None], pos)[0].T * weights,
            (read @ model.get_parameter(f"{mlp}b_out"))[None],
        ]
    return new_labels, torch.cat(rows)


def _neurons(model: ToyTransformer, layer: int) -> list[str]:
    return [f"{layer} neuron {neuron}" for neuron in range(model.cfg.d_mlp or 0)]


def _at(
    values: Float[Tensor, "part batch pos size"], pos: Positions
) -> Float[Tensor, "part batch size"]:
    """Return what stands at each sequence's position."""
    n_pos = values.shape[2]
    positions = torch.as_tensor(pos)
    if not bool(((-n_pos <= positions) & (positions < n_pos)).all()):
        raise ValueError(
            f"logit_attribution was given pos={pos} for {n_pos} positions; expected one, or one "
            f"for each sequence, from {-n_pos} to {n_pos - 1}."
        )
    rows = torch.arange(values.shape[1], device=values.device)
    return values[:, rows, _for_each(pos, len(rows))]


def _for_each(given: Tokens | Positions, batch: int) -> Int[Tensor, "batch"]:
    """Return one number for each sequence, given one for all or one for each."""
    numbers = torch.as_tensor(given)
    if numbers.ndim > 1 or (numbers.ndim == 1 and len(numbers) != batch):
        raise ValueError(
            f"logit_attribution was given {numbers.numel()} tokens or positions for {batch} "
            f"sequences, of shape {tuple(numbers.shape)}; expected one for all or one for each."
        )
    return numbers.expand(batch)
