"""Sparse autoencoders: write an activation as a sum of few directions out of many.

    pre_acts        = (x - b_dec) @ W_enc + b_enc
    latents         = activation(pre_acts)          few of them are not zero
    reconstruction  = latents @ W_dec + b_dec

Rows of `W_dec` are the directions. Three activations, three ways to keep the latents few:

    ReLU      a price on their sum      "Towards Monosemanticity" (Bricken et al. 2023)
    TopK      the k largest are kept    "Scaling and evaluating SAEs" (Gao et al. 2024)
    JumpReLU  a price on their number   "Jumping Ahead" (Rajamanoharan et al. 2024)

Names are SAELens's: `W_enc`, `b_enc`, `W_dec`, `b_dec`, `threshold`, `d_in`, `d_sae`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class SAEConfig:
    """The shape of a sparse autoencoder.

    Attributes:
        architecture: `standard` (ReLU), `topk` or `jumprelu`.
        d_in: width of the activations.
        d_sae: how many latents.
        k: how many latents TopK keeps; None for the others.
        apply_b_dec_to_input: whether `b_dec` is taken from the input before it is encoded.
        bandwidth: of JumpReLU's pseudo-gradient.
        init_threshold: JumpReLU's thresholds before training.
        dtype: `float32` or `float64`.
        seed: of the initial weights.

    """

    architecture: str
    d_in: int
    d_sae: int
    k: int | None = None
    apply_b_dec_to_input: bool = True
    bandwidth: float = 0.05
    init_threshold: float = 0.01
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"SAEConfig got architecture={self.architecture!r}; expected one of "
                f"{', '.join(map(repr, ARCHITECTURES))}."
            )
        if self.dtype not in DTYPES:
            raise ValueError(f"SAEConfig got dtype={self.dtype!r}; expected one of {DTYPES}.")
        for name in ("d_in", "d_sae"):
            size = getattr(self, name)
            if not isinstance(size, int) or size < 1:
                raise ValueError(
                    f"SAEConfig got {name}={size!r}; expected a positive whole number."
                )
        if self.architecture != "topk" and self.k is not None:
            raise ValueError(
                f"SAEConfig got k={self.k} for {self.architecture!r}; only 'topk' has a k.\n"
                "The others are kept sparse by the `sparsity` given to their loss."
            )
        is_in_range = isinstance(self.k, int) and 1 <= self.k <= self.d_sae
        if self.architecture == "topk" and not is_in_range:
            raise ValueError(
                f"SAEConfig got k={self.k} for 'topk'; expected 1 to d_sae={self.d_sae}."
            )
        if not self.bandwidth > 0 or self.init_threshold < 0:
            raise ValueError(
                f"SAEConfig got bandwidth={self.bandwidth} and init_threshold="
                f"{self.init_threshold}; expected bandwidth > 0 and init_threshold >= 0."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that JSON can hold."""
        return dataclasses.asdict(self)


class Loss(NamedTuple):
    """What training makes small: `total = mse + sparsity`.

    `mse` is the squared error summed over d_in, `sparsity` the price of the latents; both are means
    over inputs.
    """

    total: Float[Tensor, ""]
    mse: Float[Tensor, ""]
    sparsity: Float[Tensor, ""]


class SAE(nn.Module):
    """A sparse autoencoder; its subclasses say what the activation is, and what latents cost.

    Decoder rows are drawn with norm one, the encoder is the decoder's transpose and biases are
    zero, as before training. For a test or an exercise use `random_sae`, where no bias is zero.
    """

    def __init__(self, cfg: SAEConfig) -> None:
        super().__init__()
        self.cfg = cfg
        generator = torch.Generator().manual_seed(cfg.seed)
        directions = torch.randn(cfg.d_sae, cfg.d_in, generator=generator, dtype=torch.float64)
        directions /= directions.norm(dim=-1, keepdim=True)
        dtype = getattr(torch, cfg.dtype)
        self.W_enc = nn.Parameter(
            directions.T.clone(memory_format=torch.contiguous_format).to(dtype)
        )
        self.b_enc = nn.Parameter(torch.zeros(cfg.d_sae, dtype=dtype))
        self.W_dec = nn.Parameter(directions.to(dtype))
        self.b_dec = nn.Parameter(torch.zeros(cfg.d_in, dtype=dtype))

    def pre_acts(self, x: Float[Tensor, "... d_in"]) -> Float[Tensor, "... d_sae"]:
        """Return how strongly each latent is called for, before the activation.

        Raises:
            ValueError: for inputs of another width or dtype.

        """
        self._check(x, self.cfg.d_in, "d_in")
        if not self.cfg.apply_b_dec_to_input:
            return x @ self.W_enc + self.b_enc
        return (x - self.b_dec) @ self.W_enc + self.b_enc

    def activation(self, pre_acts: Float[Tensor, "... d_sae"]) -> Float[Tensor, "... d_sae"]:
        """Return the latents, few of which are not zero."""
        raise NotImplementedError

    def encode(self, x: Float[Tensor, "... d_in"]) -> Float[Tensor, "... d_sae"]:
        """Return the latents of each input."""
        return self.activation(self.pre_acts(x))

    def decode(self, latents: Float[Tensor, "... d_sae"]) -> Float[Tensor, "... d_in"]:
        """Return the sum of the directions, each as often as its latent says, and `b_dec`."""
        self._check(latents, self.cfg.d_sae, "d_sae")
        return latents @ self.W_dec + self.b_dec

    def forward(self, x: Float[Tensor, "... d_in"]) -> Float[Tensor, "... d_in"]:
        """Return the reconstruction of each input."""
        return self.decode(self.encode(x))

    def price(
        self, pre_acts: Float[Tensor, "batch d_sae"], latents: Float[Tensor, "batch d_sae"]
    ) -> Float[Tensor, ""]:
        """Return what an input's latents cost at `sparsity` 1, the mean over inputs."""
        raise NotImplementedError

    def loss(self, x: Float[Tensor, "batch d_in"], sparsity: float = 0.0) -> Loss:
        """Return the error of the reconstruction plus `sparsity` times the price of the latents."""
        pre_acts = self.pre_acts(x)
        latents = self.activation(pre_acts)
        mse = (self.decode(latents) - x).pow(2).sum(dim=-1).mean()
        price = sparsity * self.price(pre_acts, latents)
        return Loss(mse + price, mse, price)

    def _check(self, given: Tensor, size: int, axis: str) -> None:
        """Refuse what cannot be encoded or decoded."""
        if given.shape[-1:] != (size,):
            raise ValueError(
                f"The SAE was given a tensor of shape {tuple(given.shape)}; expected (... {axis}) "
                f"with {axis}={size}.\nActivations of heads (batch pos head d_head) need their "
                "last two axes flattened: z.flatten(-2)."
            )
        if given.dtype != self.W_enc.dtype:
            raise ValueError(
                f"The SAE was given {given.dtype}; expected {self.W_enc.dtype}.\n"
                "Convert the activations with .to(sae.W_enc.dtype), or the SAE with .double()."
            )

    def _apply(self, fn: Any, recurse: bool = True) -> SAE:
        """Keep `cfg.dtype` true through `.double()`, `.float()` and `.to(dtype)`."""
        super()._apply(fn, recurse)
        dtype = str(self.W_enc.dtype).removeprefix("torch.")
        self.cfg = dataclasses.replace(self.cfg, dtype=dtype)
        return self


class ReLUSAE(SAE):
    """Latents are what is positive; the price is their sum (L1).

    Each latent is weighted by the norm of its direction, or the price could be had down for
    nothing: small latents, long directions ("Circuits Updates - April 2024", Anthropic).
    """

    def activation(self, pre_acts: Float[Tensor, "... d_sae"]) -> Float[Tensor, "... d_sae"]:
        """Return what is positive."""
        return pre_acts.relu()

    def price(
        self, pre_acts: Float[Tensor, "batch d_sae"], latents: Float[Tensor, "batch d_sae"]
    ) -> Float[Tensor, ""]:
        """Return the mean over inputs of the sum of latent times length of direction."""
        del pre_acts
        return latents.mean(dim=0) @ self.W_dec.norm(dim=-1)


class TopKSAE(SAE):
    """Latents are the k largest pre-activations, where they are positive; there is no price."""

    def activation(self, pre_acts: Float[Tensor, "... d_sae"]) -> Float[Tensor, "... d_sae"]:
        """Return the k largest, unless they are negative, and zero elsewhere."""
        assert self.cfg.k is not None
        values, latents = pre_acts.topk(self.cfg.k, dim=-1, sorted=False)
        return torch.zeros_like(pre_acts).scatter(-1, latents, values.relu())

    def price(
        self, pre_acts: Float[Tensor, "batch d_sae"], latents: Float[Tensor, "batch d_sae"]
    ) -> Float[Tensor, ""]:
        """Return zero: k says how many there are."""
        del latents
        return pre_acts.new_zeros(())


class JumpReLUSAE(SAE):
    """Latents are what is above a threshold, learnt for each; the price is their number (L0).

    A number has no gradient, so training uses the paper's pseudo-gradients: what happens within
    half a bandwidth of the threshold stands for the derivative at it.
    """

    def __init__(self, cfg: SAEConfig) -> None:
        super().__init__(cfg)
        self.threshold = nn.Parameter(torch.full_like(self.b_enc, cfg.init_threshold))

    def activation(self, pre_acts: Float[Tensor, "... d_sae"]) -> Float[Tensor, "... d_sae"]:
        """Return what is above the threshold, and zero elsewhere."""
        return _Jump.apply(pre_acts, self.threshold, self.cfg.bandwidth)

    def price(
        self, pre_acts: Float[Tensor, "batch d_sae"], latents: Float[Tensor, "batch d_sae"]
    ) -> Float[Tensor, ""]:
        """Return the mean over inputs of how many latents are above their threshold."""
        del latents
        return _Step.apply(pre_acts, self.threshold, self.cfg.bandwidth).sum() / len(pre_acts)


class _Jump(torch.autograd.Function):
    """pre if pre > threshold, else 0; the pseudo-gradient of the threshold is its equation 11."""

    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        is_on = pre > threshold
        ctx.save_for_backward(pre, threshold, is_on)
        ctx.bandwidth = bandwidth
        return pre * is_on

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        pre, threshold, is_on = ctx.saved_tensors
        near = _is_near(pre, threshold, ctx.bandwidth) * grads[0]
        to_threshold = -threshold / ctx.bandwidth * near.flatten(0, -2).sum(dim=0)
        return grads[0] * is_on, to_threshold, None


class _Step(torch.autograd.Function):
    """1 if pre > threshold, else 0; the pseudo-gradient goes to the threshold alone."""

    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        ctx.save_for_backward(pre, threshold)
        ctx.bandwidth = bandwidth
        return (pre > threshold).to(pre.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor, None]:
        pre, threshold = ctx.saved_tensors
        near = _is_near(pre, threshold, ctx.bandwidth) * grads[0]
        return None, -near.flatten(0, -2).sum(dim=0) / ctx.bandwidth, None


def _is_near(pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    """Return where the pre-activation is within half a bandwidth of the threshold."""
    return (pre - threshold).abs() < bandwidth / 2


ARCHITECTURES: dict[str, type[SAE]] = {
    "standard": ReLUSAE,
    "topk": TopKSAE,
    "jumprelu": JumpReLUSAE,
}


def build_sae(cfg: SAEConfig) -> SAE:
    """Return an SAE of this architecture, as before training."""
    return ARCHITECTURES[cfg.architecture](cfg)


@torch.no_grad()
def random_sae(cfg: SAEConfig, spread: float = 0.5) -> SAE:
    """Return an SAE whose every parameter is drawn: biases, and decoder rows of unequal length.

    Thresholds are drawn between 0 and `spread`.
    """
    sae = build_sae(cfg)
    generator = torch.Generator().manual_seed(cfg.seed)
    for name, parameter in sae.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        drawn = noise.sigmoid() if name == "threshold" else noise
        parameter.copy_(spread * drawn)
    return sae
