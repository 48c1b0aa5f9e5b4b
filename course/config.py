"""The shape of a toy transformer: sizes and choices, in TransformerLens's names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

ACTIVATION_FUNCTIONS = ("gelu", "gelu_new", "relu")
DTYPES = ("float32", "float64")
NORMALIZATION_TYPES = ("LN", "RMS", None)
POSITIONAL_EMBEDDING_TYPES = ("standard", "rotary", None)


@dataclass(frozen=True)
class Config:
    """The shape of a model, in TransformerLens's names.

    Attributes:
        n_layers, d_model, n_ctx, d_head, n_heads, d_vocab: sizes; n_ctx is the longest sequence.
        d_mlp: neurons in each MLP; 4 * d_model unless given, None in an attention-only model.
        act_fn: `gelu` (exact), `gelu_new` (GPT-2's tanh formula) or `relu`.
        attn_only: leave out the MLPs, with their normalisation and `hook_resid_mid`.
        normalization_type: `LN`, `RMS` or None.
        positional_embedding_type: `standard` (learned, added), `rotary` or None.
        eps: added to the variance, under the root.
        rotary_base: the base of the rotary wavelengths.
        dtype: `float32` or `float64`.
        seed: of the initial weights.
        init_range: their standard deviation; 0.8 / sqrt(d_model) unless given.

    """

    n_layers: int
    d_model: int
    n_ctx: int
    d_head: int
    n_heads: int
    d_vocab: int
    d_mlp: int | None = None
    act_fn: str = "gelu"
    attn_only: bool = False
    normalization_type: Literal["LN", "RMS"] | None = "LN"
    positional_embedding_type: Literal["standard", "rotary"] | None = "standard"
    eps: float = 1e-5
    rotary_base: float = 10000.0
    dtype: str = "float32"
    seed: int = 0
    init_range: float | None = None

    def __post_init__(self) -> None:
        if self.d_mlp is None and not self.attn_only:
            object.__setattr__(self, "d_mlp", 4 * self.d_model)
        for name in ("n_layers", "d_model", "n_ctx", "d_head", "n_heads", "d_vocab", "d_mlp"):
            size = getattr(self, name)
            if size is not None and (not isinstance(size, int) or size < 1):
                raise ValueError(f"Config got {name}={size!r}; expected a positive whole number.")
        _expect_one_of("act_fn", self.act_fn, ACTIVATION_FUNCTIONS)
        _expect_one_of("dtype", self.dtype, DTYPES)
        _expect_one_of("normalization_type", self.normalization_type, NORMALIZATION_TYPES)
        _expect_one_of(
            "positional_embedding_type", self.positional_embedding_type, POSITIONAL_EMBEDDING_TYPES
        )
        if self.attn_only and self.d_mlp is not None:
            raise ValueError(
                f"Config got d_mlp={self.d_mlp} with attn_only=True; an attention-only model has "
                "no MLP.\nLeave d_mlp out, or set attn_only=False."
            )
        if self.positional_embedding_type == "rotary" and self.d_head % 2:
            raise ValueError(
                f"Config got d_head={self.d_head} with rotary positions; expected an even number.\n"
                "Rotary positions turn the numbers of a head in pairs."
            )

    @property
    def weight_spread(self) -> float:
        """The standard deviation of the initial weights."""
        return 0.8 / math.sqrt(self.d_model) if self.init_range is None else self.init_range

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Config:
        """Return the Config with these fields, as `to_dict` wrote them.

        Raises:
            ValueError: for a field that Config does not have.

        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(fields) - known):
            raise ValueError(
                f"Config.from_dict got the unknown fields {unknown}; expected some of "
                f"{sorted(known)}.\nThe file may be from another version, or misspelt."
            )
        return cls(**fields)


def _expect_one_of(field: str, given: object, allowed: Iterable[object]) -> None:
    """Raise ValueError unless the field's value is one of those allowed."""
    if given not in allowed:
        options = ", ".join(map(repr, allowed))
        raise ValueError(f"Config got {field}={given!r}; expected one of {options}.")
