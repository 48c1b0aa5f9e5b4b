"""The gradients of an SAE's loss, written out: what autograd finds, in a third of the time.

With `on` where a latent is not zero, B inputs, and a price `p` a latent:

    error        = latents @ W_dec + b_dec - x
    d latents    = 2/B error @ W_dec.T  (+ p/B times the direction's length, for ReLU)
    d pre_acts   = d latents where on, else 0
    d W_dec      = 2/B latents.T @ error  (+ p times mean latent times unit direction, for ReLU)
    d W_enc      = (x - b_dec).T @ d pre_acts

and biases take the sums over inputs. JumpReLU's thresholds have the pseudo-gradients of
`course.sae`. All large tensors live from step to step: at this size it is asking for memory, not
arithmetic, that takes the time.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from course.sae import SAE, JumpReLUSAE, Loss, ReLUSAE, TopKSAE


class Gradients:
    """Computes the loss and fills the `.grad` of every parameter, for batches of one size.

    Attributes:
        latents: (batch d_sae), of the last batch; overwritten by the next.

    """

    def __init__(self, sae: SAE, batch: int) -> None:
        self.sae, self.batch = sae, batch
        like = sae.W_enc.detach()
        self.pre, self.latents, self.to_latents, self.scratch = (
            like.new_empty(batch, sae.cfg.d_sae) for _ in range(4)
        )
        self.error = like.new_empty(batch, sae.cfg.d_in)
        for parameter in sae.parameters():
            parameter.grad = torch.zeros_like(parameter)

    @torch.no_grad()
    def __call__(self, x: Float[Tensor, "batch d_in"], sparsity: float) -> Loss:
        """Fill the gradients of `sae.loss(x, sparsity).total`, in place of what was there."""
        sae, pre, latents = self.sae, self.pre, self.latents
        bias = sae.b_enc
        if sae.cfg.apply_b_dec_to_input:
            bias = torch.addmv(sae.b_enc, sae.W_enc.T, sae.b_dec, alpha=-1)
        torch.addmm(bias, x, sae.W_enc, out=pre)
        self._activate(sae)
        torch.addmm(sae.b_dec, latents, sae.W_dec, out=self.error).sub_(x)
        mse = torch.linalg.vector_norm(self.error).square() / self.batch
        self.error.mul_(2 / self.batch)
        torch.mm(latents.T, self.error, out=sae.W_dec.grad)
        torch.sum(self.error, dim=0, out=sae.b_dec.grad)
        torch.mm(self.error, sae.W_dec.T, out=self.to_latents)
        price = self._price(sparsity) if sparsity else torch.zeros_like(mse)
        if isinstance(sae, JumpReLUSAE):
            self._thresholds(sae, sparsity)
        self.to_latents.mul_(torch.ne(latents, 0))
        self._encoder(x)
        return Loss(mse + price, mse, price)

    def _activate(self, sae: SAE) -> None:
        """Write `sae.activation(pre)` into `latents`."""
        if isinstance(sae, TopKSAE):
            assert sae.cfg.k is not None
            values, which = self.pre.topk(sae.cfg.k, dim=-1, sorted=False)
            self.latents.zero_().scatter_(-1, which, values.relu_())
        elif isinstance(sae, JumpReLUSAE):
            torch.mul(self.pre, self.pre > sae.threshold, out=self.latents)
        else:
            torch.clamp(self.pre, min=0.0, out=self.latents)

    def _encoder(self, x: Float[Tensor, "batch d_in"]) -> None:
        """Fill the gradients of `W_enc` and `b_enc`, and add to that of `b_dec`."""
        sae = self.sae
        assert sae.W_enc.grad is not None
        assert sae.b_dec.grad is not None
        torch.mm(x.T, self.to_latents, out=sae.W_enc.grad)
        to_bias = torch.sum(self.to_latents, dim=0, out=sae.b_enc.grad)
        if sae.cfg.apply_b_dec_to_input:
            sae.W_enc.grad.addr_(sae.b_dec, to_bias, alpha=-1)
            sae.b_dec.grad.addmv_(sae.W_enc, to_bias, alpha=-1)

    def _price(self, sparsity: float) -> Float[Tensor, ""]:
        """Return the price of the latents, and add its gradients to those of ReLU's parameters."""
        sae, latents = self.sae, self.latents
        if isinstance(sae, ReLUSAE):
            assert sae.W_dec.grad is not None
            mean, length = latents.mean(dim=0), sae.W_dec.norm(dim=-1)
            self.to_latents.add_(length, alpha=sparsity / self.batch)
            sae.W_dec.grad.addcmul_((mean / length)[:, None], sae.W_dec, value=sparsity)
            return sparsity * (mean @ length)
        if isinstance(sae, JumpReLUSAE):
            return sparsity * (self.pre > sae.threshold).sum(dtype=self.pre.dtype) / self.batch
        return latents.new_zeros(())

    def _thresholds(self, sae: JumpReLUSAE, sparsity: float) -> None:
        """Fill the pseudo-gradient of the thresholds, of both the latents and their number."""
        assert sae.threshold.grad is not None
        width = sae.cfg.bandwidth
        near = torch.sub(self.pre, sae.threshold, out=self.scratch).abs_() < width / 2
        to_latents = torch.mul(self.to_latents, near, out=self.scratch).sum(dim=0)
        torch.mul(to_latents, sae.threshold, out=sae.threshold.grad)
        sae.threshold.grad.add_(near.sum(dim=0), alpha=sparsity / self.batch).div_(-width)
