"""A configuration is complete, survives JSON, and is refused when it cannot be built."""

import pytest
from specimens import SIZES

from course import Config


def test_config_survives_json(model):
    assert Config.from_dict(model.cfg.to_dict()) == model.cfg


def test_config_fills_in_the_mlp():
    assert Config(**SIZES).d_mlp == 24
    assert Config(**SIZES, attn_only=True).d_mlp is None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"n_heads": 0}, "n_heads=0"),
        ({"d_model": 2.5}, "d_model=2.5"),
        ({"act_fn": "swish"}, "gelu_new"),
        ({"dtype": "float16"}, "float64"),
        ({"normalization_type": "BN"}, "'LN', 'RMS', None"),
        ({"positional_embedding_type": "alibi"}, "rotary"),
        ({"d_head": 3, "positional_embedding_type": "rotary"}, "even"),
        ({"attn_only": True, "d_mlp": 4}, "no MLP"),
    ],
)
def test_a_config_that_cannot_be_built_is_refused(fields, problem):
    with pytest.raises(ValueError, match=problem):
        Config(**{**SIZES, **fields})


def test_an_unknown_field_is_named():
    with pytest.raises(ValueError, match="n_layer'"):
        Config.from_dict({**SIZES, "n_layer": 2})
