"""Reading the residual stream as if the model ended here: the logit lens and a linear shortcut.

The logit lens applies the model's own last normalisation and unembedding to the stream before every
block (nostalgebraist, "interpreting GPT: the logit lens", 2020). What later layers would still turn
into something else it misreads. The linear shortcut first maps each layer's stream to the last one
by the affine map that fits best, in closed form, on training text (Din et al., "Jump to
Conclusions", 2023; trained by gradient on the logits it is the tuned lens of Belrose et al.,
"Eliciting Latent Predictions from Transformers with the Tuned Lens", 2023). It shows what is
linearly there, not what the model uses, and its worth is what it predicts on text held out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from course.cache import ActivationCache
from course.intervals import Interval, bootstrap
from course.model import ToyTransformer


def logit_lens(
    model: ToyTransformer, cache: ActivationCache
) -> Float[Tensor, "depth batch pos d_vocab"]:
    """Return the logits read off the stream before each block, and after the last.

    Returns:
        `depth` 0 reads the embeddings; the last are the model's own logits.

    Raises:
        UnknownHookError: if the cache lacks a `resid_pre` or the last `resid_post`.

    """
    return _read(model, residual_streams(model, cache))


def residual_streams(
    model: ToyTransformer, cache: ActivationCache
) -> Float[Tensor, "depth batch pos d_model"]:
    """Return the stream before each block, and after the last.

    Raises:
        UnknownHookError: if the cache lacks one of them.

    """
    before = [cache["resid_pre", layer] for layer in range(model.cfg.n_layers)]
    return torch.stack([*before, cache["resid_post", -1]])


@dataclass(frozen=True)
class Shortcut:
    """The affine map from each depth's residual stream to the last one.

    Attributes:
        weight: (depth d_model d_model), used as `stream @ weight + bias`; the identity at the end.
        bias: (depth d_model).

    """

    weight: Float[Tensor, "depth d_model d_model"]
    bias: Float[Tensor, "depth d_model"]

    def __call__(
        self, model: ToyTransformer, cache: ActivationCache
    ) -> Float[Tensor, "depth batch pos d_vocab"]:
        """Return the logits read off the stream at each depth, by way of the shortcut.

        Raises:
            ValueError: if the shortcut is of another model.
            UnknownHookError: if the cache lacks a `resid_pre` or the last `resid_post`.

        """
        streams = residual_streams(model, cache)
        if self.bias.shape != (len(streams), streams.shape[-1]):
            raise ValueError(
                f"The shortcut is for (depth d_model) {tuple(self.bias.shape)}; the model has "
                f"{(len(streams), streams.shape[-1])}.\nFit one for this model: fit_shortcut."
            )
        mapped = torch.einsum("lbpd,lde->lbpe", streams[:-1], self.weight[:-1])
        return _read(model, torch.cat([mapped + self.bias[:-1, None, None], streams[-1:]]))


@torch.no_grad()
def fit_shortcut(
    model: ToyTransformer,
    tokens: Int[Tensor, "sequence pos"],
    *,
    ridge: float = 0.0,
    batch: int = 64,
    progress: bool = False,
) -> Shortcut:
    """Fit the affine maps to the last residual stream by least squares, in closed form.

    The stream and its target are centred, so the bias is not penalised. All positions of all
    sequences count alike. Sums are kept in float64; of several best maps the smallest is taken.

    Args:
        model: it is not changed.
        tokens: training text, of which nothing may be used again to measure.
        ridge: how much the squared size of a map counts, beside the mean squared error.
        batch: how many sequences are run at a time.
        progress: whether to show a bar.

    Raises:
        ValueError: if there are fewer positions in all than numbers to fit for each output.

    """
    d_model = model.cfg.d_model
    if tokens.ndim != 2 or tokens.numel() <= d_model or ridge < 0:
        raise ValueError(
            f"fit_shortcut was given tokens of shape {tuple(tokens.shape)} and ridge={ridge}; "
            f"expected (sequence pos) with more than d_model={d_model} positions in all, and a "
            "ridge of 0 or more.\nOn fewer positions a map fits anything."
        )
    names = [f"blocks.{layer}.hook_resid_pre" for layer in range(model.cfg.n_layers)]
    names.append(f"blocks.{model.cfg.n_layers - 1}.hook_resid_post")
    moments = torch.zeros(len(names), d_model + 1, 2 * d_model + 1, dtype=torch.float64)
    for part in tqdm(tokens.split(batch), unit="batch", disable=not progress):
        cache = model.run_with_cache(part, names=names)[1]
        streams = residual_streams(model, cache).flatten(1, 2).double().cpu()
        ones = torch.ones_like(streams[..., :1])
        inputs = torch.cat([ones, streams], dim=-1)
        both = torch.cat([inputs, streams[-1:].expand_as(streams)], dim=-1)
        moments += inputs.mT @ both
    weight, bias = _least_squares(moments / tokens.numel(), d_model, ridge)
    weight[-1], bias[-1] = torch.eye(d_model), 0.0
    return Shortcut(weight.to(model.W_E), bias.to(model.W_E))


def _least_squares(
    moments: Float[Tensor, "depth one_and_d_model one_and_two_d_model"], d_model: int, ridge: float
) -> tuple[Float[Tensor, "depth d_model d_model"], Float[Tensor, "depth d_model"]]:
    """Solve the normal equations of (1, input) and output, given their mean products."""
    means = moments[:, 0]
    x, y = means[:, 1 : d_model + 1], means[:, d_model + 1 :]
    products = moments[:, 1:, 1:] - x[:, :, None] * means[:, None, 1:]
    covariance, cross = products[..., :d_model], products[..., d_model:]
    covariance = (covariance + covariance.mT) / 2 + ridge * torch.eye(d_model)
    weight = torch.linalg.pinv(covariance, hermitian=True, rtol=1e-12) @ cross
    return weight, y - torch.einsum("ld,lde->le", x, weight)


@dataclass(frozen=True)
class Fidelity:
    """How well a lens says, at one depth, what the model will say.

    Attributes:
        agreement: in which part of the positions the likeliest token is the same.
        divergence: the KL divergence from the model's distribution to the lens's, in nats.

    """

    agreement: Interval
    divergence: Interval


def fidelity(
    lens_logits: Float[Tensor, "depth batch pos d_vocab"],
    logits: Float[Tensor, "batch pos d_vocab"],
) -> list[Fidelity]:
    """Compare a lens with the model's own logits at every depth, on text held out.

    Sequences are what is independent, so each counts as one value: the mean over its positions.

    Raises:
        ValueError: if the shapes do not fit, or for fewer than two sequences.

    """
    if lens_logits.ndim != 4 or lens_logits.shape[1:] != logits.shape:
        raise ValueError(
            f"fidelity was given a lens's logits {tuple(lens_logits.shape)} and logits "
            f"{tuple(logits.shape)}; expected (depth batch pos d_vocab) and (batch pos d_vocab)."
        )
    expected = logits.log_softmax(dim=-1)
    divergence = (expected.exp() * (expected - lens_logits.log_softmax(dim=-1))).sum(dim=-1)
    same = (lens_logits.argmax(dim=-1) == logits.argmax(dim=-1)).to(logits.dtype)
    return [
        Fidelity(bootstrap(agrees.mean(dim=-1)), bootstrap(differs.mean(dim=-1)))
        for agrees, differs in zip(same, divergence, strict=True)
    ]


def _read(
    model: ToyTransformer, streams: Float[Tensor, "depth batch pos d_model"]
) -> Float[Tensor, "depth batch pos d_vocab"]:
    """Return the logits that the model's last steps make of each stream."""
    return torch.stack([model.unembed(model.ln_final(stream)) for stream in streams])
