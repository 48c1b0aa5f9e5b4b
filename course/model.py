"""A transformer small enough to read: the specimen of every lab.

Decoder-only, pre-norm, in the shape of GPT-2 (Radford et al., 2019) and of "A Mathematical
Framework for Transformer Circuits" (Elhage et al., 2021). It can drop its MLPs, its normalisation
or its positions, or rotate queries and keys instead of adding positions. Weights and hook names are
TransformerLens's, so what is learnt here carries over. A weight is used as `activation @ weight`.

Read from the top: the parts in the order in which an activation meets them, then the whole.
"""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course.config import Config
from course.hooks import HookedModule, HookPoint
from course.tokens import check_tokens
from course.weights import WeightsByName, draw_weights, weight

ACTIVATION_FUNCTIONS = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
}


class Embed(nn.Module):
    """A row of `W_E` for every token."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.W_E = weight(cfg.d_vocab, cfg.d_model)

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_model"]:
        """Look the tokens up."""
        return F.embedding(tokens, self.W_E)


class PosEmbed(nn.Module):
    """A row of `W_pos` for every position, the same whatever the tokens are."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.W_pos = weight(cfg.n_ctx, cfg.d_model)

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_model"]:
        """Return the first rows, once for each sequence."""
        batch, pos = tokens.shape
        return self.W_pos[:pos].repeat(batch, 1, 1)


class Normalization(nn.Module):
    """LayerNorm, or RMSNorm, which neither centres nor adds a bias.

    `hook_normalized` is the value before gain `w` and bias `b`.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.eps, self.is_centred = cfg.eps, cfg.normalization_type == "LN"
        self.w = weight(cfg.d_model)
        if self.is_centred:
            self.b = weight(cfg.d_model)
        self.hook_scale = HookPoint()  # (batch pos 1)
        self.hook_normalized = HookPoint()  # (batch pos d_model)

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Divide by the root mean square, after centring if this is LayerNorm; apply the gain."""
        if self.is_centred:
            x = x - x.mean(dim=-1, keepdim=True)
        scale = self.hook_scale((x.pow(2).mean(dim=-1, keepdim=True) + self.eps).sqrt())
        normalized = self.hook_normalized(x / scale)
        if self.is_centred:
            return torch.addcmul(self.b, normalized, self.w)  # b + normalized * w in one pass
        return normalized * self.w


def normalization(cfg: Config) -> nn.Module:
    """Return the kind of normalisation that the model uses, which may be none."""
    return nn.Identity() if cfg.normalization_type is None else Normalization(cfg)


class Attention(nn.Module):
    """Causal attention: each head looks back from every position, and moves what it finds there."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.n_ctx, self.d_head = cfg.n_ctx, cfg.d_head
        self.is_rotary = cfg.positional_embedding_type == "rotary"
        self.rotary_base = cfg.rotary_base
        self.W_Q = weight(cfg.n_heads, cfg.d_model, cfg.d_head)
        self.W_K = weight(cfg.n_heads, cfg.d_model, cfg.d_head)
        self.W_V = weight(cfg.n_heads, cfg.d_model, cfg.d_head)
        self.W_O = weight(cfg.n_heads, cfg.d_head, cfg.d_model)
        self.b_Q = weight(cfg.n_heads, cfg.d_head)
        self.b_K = weight(cfg.n_heads, cfg.d_head)
        self.b_V = weight(cfg.n_heads, cfg.d_head)
        self.b_O = weight(cfg.d_model)
        self.hook_q = HookPoint()  # (batch pos head d_head), as are k, v, rot_q, rot_k and z
        self.hook_k = HookPoint()
        self.hook_v = HookPoint()
        if self.is_rotary:
            self.hook_rot_q = HookPoint()
            self.hook_rot_k = HookPoint()
        self.hook_attn_scores = HookPoint()  # (batch head query key)
        self.hook_pattern = HookPoint()  # (batch head query key)
        self.hook_z = HookPoint()
        self.hook_result = HookPoint(on_demand=True)  # (batch pos head d_model)

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Decide where to look (the QK circuit), then move what is there (the OV circuit)."""
        q = self.hook_q(per_head(x, self.W_Q, self.b_Q))
        k = self.hook_k(per_head(x, self.W_K, self.b_K))
        v = self.hook_v(per_head(x, self.W_V, self.b_V))
        if self.is_rotary:
            q, k = self.hook_rot_q(self.rotate(q)), self.hook_rot_k(self.rotate(k))
        pattern = self.hook_pattern(self.scores(q, k).softmax(dim=-1))
        z = self.hook_z((pattern @ v.transpose(1, 2)).transpose(1, 2))
        if self.hook_result.is_used():
            result = self.hook_result(torch.einsum("bphd,hdm->bphm", z, self.W_O))
            return result.sum(dim=2) + self.b_O
        return torch.tensordot(z, self.W_O, dims=2) + self.b_O  # over head and d_head

    def scores(
        self, q: Float[Tensor, "batch pos head d_head"], k: Float[Tensor, "batch pos head d_head"]
    ) -> Float[Tensor, "batch head query key"]:
        """Compare every query with every key, and mask the future with minus infinity."""
        q = q / math.sqrt(self.d_head)
        scores = q.transpose(1, 2) @ k.permute(0, 2, 3, 1)
        pos = q.shape[1]
        mask = causal_mask(self.n_ctx, q.dtype, q.device)[:pos, :pos]
        return self.hook_attn_scores(scores + mask)

    def rotate(
        self, x: Float[Tensor, "batch pos head d_head"]
    ) -> Float[Tensor, "batch pos head d_head"]:
        """Turn each pair of numbers by an angle that grows with the position (RoPE).

        A query times a key then depends on the distance between them alone. Number i is paired
        with number i + d_head / 2. Source: Su et al., "RoFormer" (2021); pairs as in GPT-NeoX.
        """
        table = rotary_table(self.n_ctx, self.d_head, self.rotary_base, x.dtype, x.device)
        cos, sin = table[:, : x.shape[1], None]
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class MLP(nn.Module):
    """A layer of neurons, the same at every position."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        assert cfg.d_mlp is not None
        self.act_fn = ACTIVATION_FUNCTIONS[cfg.act_fn]
        self.W_in = weight(cfg.d_model, cfg.d_mlp)
        self.b_in = weight(cfg.d_mlp)
        self.W_out = weight(cfg.d_mlp, cfg.d_model)
        self.b_out = weight(cfg.d_model)
        self.hook_pre = HookPoint()  # (batch pos d_mlp)
        self.hook_post = HookPoint()  # (batch pos d_mlp)

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Read from the stream, apply the non-linearity, write back."""
        pre = self.hook_pre(x @ self.W_in + self.b_in)
        post = self.hook_post(self.act_fn(pre))
        return post @ self.W_out + self.b_out


class Block(nn.Module):
    """One layer: attention, then (unless it is left out) an MLP, each added to the stream."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.attn_only = cfg.attn_only
        self.hook_resid_pre = HookPoint()  # (batch pos d_model), as are all of the block's own
        self.ln1 = normalization(cfg)
        self.attn = Attention(cfg)
        self.hook_attn_out = HookPoint()
        if not cfg.attn_only:
            self.hook_resid_mid = HookPoint()
            self.ln2 = normalization(cfg)
            self.mlp = MLP(cfg)
            self.hook_mlp_out = HookPoint()
        self.hook_resid_post = HookPoint()

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Add to the residual stream what attention and MLP read from it."""
        resid_pre = self.hook_resid_pre(x)
        attn_out = self.hook_attn_out(self.attn(self.ln1(resid_pre)))
        if self.attn_only:
            return self.hook_resid_post(resid_pre + attn_out)
        resid_mid = self.hook_resid_mid(resid_pre + attn_out)
        mlp_out = self.hook_mlp_out(self.mlp(self.ln2(resid_mid)))
        return self.hook_resid_post(resid_mid + mlp_out)


class Unembed(nn.Module):
    """A column of `W_U` for every token that may come next."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.W_U = weight(cfg.d_model, cfg.d_vocab)
        self.b_U = weight(cfg.d_vocab)
        self.hook_in = HookPoint()  # (batch pos d_model)
        self.hook_out = HookPoint()  # (batch pos d_vocab)

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_vocab"]:
        """Turn the stream into logits."""
        return self.hook_out(self.hook_in(x) @ self.W_U + self.b_U)


class ToyTransformer(WeightsByName, HookedModule):
    """The whole model: tokens (batch pos) in, logits (batch pos d_vocab) out.

    Weights are drawn from `cfg.seed`, biases are zero and gains one, as before training. For a
    test or an exercise use `ToyTransformer.random`, where no bias is zero and no mistake hides.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self._assemble(cfg)
        self.to(getattr(torch, cfg.dtype))
        draw_weights(self, cfg.seed, spread=self.cfg.weight_spread)

    def _assemble(self, cfg: Config) -> None:
        """Make the parts, all of whose weights are zero in float32."""
        self.cfg = cfg
        self.embed = Embed(cfg)
        self.hook_embed = HookPoint()  # (batch pos d_model)
        if cfg.positional_embedding_type == "standard":
            self.pos_embed = PosEmbed(cfg)
            self.hook_pos_embed = HookPoint()  # (batch pos d_model)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final = normalization(cfg)
        self.unembed = Unembed(cfg)
        self._name_hook_points()

    @classmethod
    def random(cls, cfg: Config, seed: int | None = None) -> ToyTransformer:
        """Return a model whose every parameter is drawn, gains (around one) and biases included."""
        model = cls(cfg)
        draw_weights(
            model, cfg.seed if seed is None else seed, spread=cfg.weight_spread, biases_too=True
        )
        return model

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_vocab"]:
        """Return the logits of the next token at every position.

        Raises:
            ValueError: for tokens of another type or rank, out of the vocabulary, or too long.

        """
        check_tokens(tokens, d_vocab=self.cfg.d_vocab, n_ctx=self.cfg.n_ctx)
        x = self.hook_embed(self.embed(tokens))
        if self.cfg.positional_embedding_type == "standard":
            x = x + self.hook_pos_embed(self.pos_embed(tokens))
        for block in self.blocks:
            x = block(x)
        return self.unembed(self.ln_final(x))

    def _apply(self, fn: Any, recurse: bool = True) -> ToyTransformer:
        """Keep `cfg.dtype` true through `.double()`, `.float()` and `.to(dtype)`."""
        super()._apply(fn, recurse)
        self.cfg = dataclasses.replace(self.cfg, dtype=str(self.W_E.dtype).removeprefix("torch."))
        return self


def per_head(
    x: Float[Tensor, "batch pos d_model"],
    W: Float[Tensor, "head d_model d_head"],
    b: Float[Tensor, "head d_head"],
) -> Float[Tensor, "batch pos head d_head"]:
    """Return what each head reads from the stream: the sum over d_model of x times W, plus b."""
    return torch.tensordot(x, W, dims=([-1], [1])) + b  # pyright: ignore[reportArgumentType]


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # kept from call to call, so it must be fit for training too
def causal_mask(n_ctx: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, "query key"]:
    """Return minus infinity where the key lies in the query's future, and zero elsewhere."""
    return torch.full((n_ctx, n_ctx), -torch.inf, dtype=dtype, device=device).triu(1)


@lru_cache(maxsize=32)
@torch.inference_mode(False)
def rotary_table(
    n_ctx: int, d_head: int, base: float, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "2 pos half_d_head"]:
    """Return cosine and sine of each pair's angle at each position, computed in float64."""
    frequency = base ** -(torch.arange(d_head // 2, dtype=torch.float64) / (d_head // 2))
    angle = torch.arange(n_ctx, dtype=torch.float64)[:, None] * frequency
    return torch.stack([angle.cos(), angle.sin()]).to(dtype=dtype, device=device)
