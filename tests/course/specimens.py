"""Models of every kind, small enough for the loops: all parameters drawn, no two sizes equal."""

from course import Config, ToyTransformer

SIZES = {"n_layers": 2, "d_model": 6, "n_ctx": 9, "d_head": 4, "n_heads": 3, "d_vocab": 11}
KINDS = {
    "gpt2": {"d_mlp": 10, "act_fn": "gelu_new"},
    "exact_gelu": {"d_mlp": 10, "act_fn": "gelu"},
    "attn_only": {"attn_only": True},
    "rms_rotary": {
        "d_mlp": 10,
        "act_fn": "relu",
        "normalization_type": "RMS",
        "positional_embedding_type": "rotary",
        "rotary_base": 50.0,
    },
    "bare": {
        "attn_only": True,
        "normalization_type": None,
        "positional_embedding_type": None,
    },
    "bare_with_mlp": {"d_mlp": 10, "normalization_type": None},
    "ln_without_positions": {"d_mlp": 10, "positional_embedding_type": None},
    "awkward_eps": {"d_mlp": 10, "eps": 0.3},
}


def make(kind: str, dtype: str = "float64", seed: int = 0, **sizes) -> ToyTransformer:
    """Return a model of this kind with every parameter drawn."""
    fields = {**SIZES, **sizes, **KINDS[kind]}
    return ToyTransformer.random(Config(**fields, dtype=dtype, init_range=0.5), seed=seed)
