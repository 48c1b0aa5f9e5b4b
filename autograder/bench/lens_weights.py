"""A toy transformer's weights in TransformerLens, for its tests and timings side by side.

It runs in an environment of the peers (tests/peers), never in ours: `hooked_transformer` with
TransformerLens 3.9, `bridge` with TransformerLens 4, which dropped the class that we are named
after. Both compute the same function as the model that they are given.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from course import ToyTransformer


def hooked_transformer(model: ToyTransformer) -> Any:
    """Return TransformerLens 3.9's `HookedTransformer` with the weights of `model`.

    It has no model without positions: one gets positions of zeros.
    """
    from transformer_lens import (  # pyright: ignore[reportMissingImports]
        HookedTransformer,
        HookedTransformerConfig,
    )

    cfg = HookedTransformerConfig(**_shape(model), init_weights=False, n_devices=1)
    theirs = HookedTransformer(cfg).eval()
    left = theirs.load_state_dict(_weights(model), strict=False)
    buffers = ("mask", "IGNORE", "rotary_sin", "rotary_cos")
    lacking = [name for name in left.missing_keys if not name.endswith(buffers)]
    assert not lacking + left.unexpected_keys, (lacking, left.unexpected_keys)
    return theirs


def bridge(model: ToyTransformer) -> Any:
    """Return TransformerLens 4's `TransformerBridge` around a native model with these weights.

    Differences that are left: positions of zeros where there are none, as in 3.9; and rotary
    positions turn neighbours (2i, 2i + 1) where ours turn (i, i + d_head / 2), so the numbers in
    each query and key are in another order, which `neighbours_first` gives.
    """
    from transformer_lens.config import (  # pyright: ignore[reportMissingImports]
        TransformerBridgeConfig,
    )
    from transformer_lens.model_bridge import (  # pyright: ignore[reportMissingImports]
        TransformerBridge,
    )
    from transformer_lens.utilities.tl_checkpoint_conversion import (  # pyright: ignore[reportMissingImports]
        convert_tl_checkpoint,
    )

    cfg = TransformerBridgeConfig(**_shape(model), init_weights=False)
    theirs = TransformerBridge.boot_native(cfg, dtype=model.W_E.dtype).eval()
    weights = _weights(model)
    if model.cfg.positional_embedding_type == "rotary":
        for name in [name for name in weights if name[-3:] in ("W_Q", "W_K", "b_Q", "b_K")]:
            weights[name] = neighbours_first(weights[name])
    theirs.load_state_dict(convert_tl_checkpoint(weights, cfg), strict=True)
    return theirs


def neighbours_first(x: Tensor) -> Tensor:
    """Reorder the last axis so that the number i + d_head / 2 comes right after number i."""
    return torch.stack(x.chunk(2, dim=-1), dim=-1).flatten(-2)


def _shape(model: ToyTransformer) -> dict[str, Any]:
    """Return the fields of a configuration that both have."""
    cfg = model.cfg
    return {
        "n_layers": cfg.n_layers,
        "d_model": cfg.d_model,
        "n_ctx": cfg.n_ctx,
        "d_head": cfg.d_head,
        "n_heads": cfg.n_heads,
        "d_mlp": cfg.d_mlp,
        "d_vocab": cfg.d_vocab,
        "act_fn": cfg.act_fn,
        "attn_only": cfg.attn_only,
        "eps": cfg.eps,
        "normalization_type": cfg.normalization_type,
        "positional_embedding_type": cfg.positional_embedding_type or "standard",
        "rotary_dim": cfg.d_head,
        "rotary_base": cfg.rotary_base,
        "dtype": model.W_E.dtype,
        "device": "cpu",
    }


def _weights(model: ToyTransformer) -> dict[str, Tensor]:
    """Return the model's weights, whose names are TransformerLens's."""
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    if model.cfg.positional_embedding_type is None:
        weights["pos_embed.W_pos"] = torch.zeros_like(model.W_E[:1]).repeat(model.cfg.n_ctx, 1)
    return weights
