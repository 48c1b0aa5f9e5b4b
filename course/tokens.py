"""What a model can read: a check with an answer for every way in which tokens go wrong."""

from __future__ import annotations

import torch
from torch import Tensor


def check_tokens(tokens: Tensor, *, d_vocab: int, n_ctx: int) -> None:
    """Raise ValueError unless these are token ids (batch pos) that the model has room for."""
    expected = "expected whole numbers of shape (batch, pos)"
    if not isinstance(tokens, Tensor):
        raise ValueError(
            f"The model was given {type(tokens).__name__}; {expected}.\n"
            "Make a tensor of them: torch.tensor([[0, 5, 7]])."
        )
    if tokens.dtype not in (torch.int64, torch.int32):
        raise ValueError(
            f"The model was given tokens of {tokens.dtype}; {expected}.\n"
            "These may be embeddings or logits: token ids are int64; .long() converts ids."
        )
    if tokens.ndim != 2:
        raise ValueError(
            f"The model was given tokens of shape {tuple(tokens.shape)}; {expected}.\n"
            "A single sequence needs a batch axis: tokens[None]."
        )
    if tokens.shape[1] > n_ctx:
        raise ValueError(
            f"The model was given {tokens.shape[1]} positions; expected n_ctx={n_ctx} at most.\n"
            "Shorten the sequences: tokens[:, :model.cfg.n_ctx]."
        )
    if not tokens.numel():
        return
    low, high = (int(end) for end in tokens.aminmax())
    if low < 0 or high >= d_vocab:
        raise ValueError(
            f"The model was given tokens from {low} to {high}; expected 0 to {d_vocab - 1} "
            f"(d_vocab={d_vocab}).\n"
            "They may have been made for another model, or -100 may mark padding."
        )
