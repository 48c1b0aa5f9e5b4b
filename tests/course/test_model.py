"""The toy transformer computes what the loops compute, whole and in every part."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import Loops
from specimens import KINDS, SIZES, make
from torch.testing import assert_close

from course import Config, ToyTransformer
from course.model import causal_mask, rotary_table

EXPECTED_NAMES = [
    "hook_embed",
    "hook_pos_embed",
    *(
        f"blocks.{layer}.{name}"
        for layer in range(2)
        for name in (
            "hook_resid_pre",
            "ln1.hook_scale",
            "ln1.hook_normalized",
            "attn.hook_q",
            "attn.hook_k",
            "attn.hook_v",
            "attn.hook_attn_scores",
            "attn.hook_pattern",
            "attn.hook_z",
            "hook_attn_out",
            "hook_resid_mid",
            "ln2.hook_scale",
            "ln2.hook_normalized",
            "mlp.hook_pre",
            "mlp.hook_post",
            "hook_mlp_out",
            "hook_resid_post",
        )
    ),
    "ln_final.hook_scale",
    "ln_final.hook_normalized",
    "unembed.hook_in",
    "unembed.hook_out",
]


def test_logits_equal_the_loops(model, tokens):
    expected = torch.tensor(Loops(model)(tokens.tolist()), dtype=torch.float64)
    assert_close(model(tokens), expected, rtol=1e-10, atol=1e-12)


def test_every_activation_equals_the_loops(model, tokens):
    loops = Loops(model)
    loops(tokens.tolist())
    _, cache = model.run_with_cache(tokens, names=lambda name: True)
    assert set(cache) == set(loops.seen) == {*model.hook_names, *model.hook_names_on_demand}
    for name, value in cache.items():
        expected = torch.tensor(loops.seen[name], dtype=torch.float64)
        assert_close(
            value, expected, rtol=1e-10, atol=1e-12, msg=lambda text, n=name: f"{n} {text}"
        )


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    seed=st.integers(0, 1000),
    n_layers=st.integers(1, 3),
    d_model=st.integers(1, 7),
    n_heads=st.integers(1, 3),
    half_d_head=st.integers(1, 3),
    batch=st.integers(1, 3),
    pos=st.integers(1, 6),
)
def test_logits_equal_the_loops_for_any_sizes(
    kind, seed, n_layers, d_model, n_heads, half_d_head, batch, pos
):
    sizes = {
        "n_layers": n_layers,
        "d_model": d_model,
        "n_heads": n_heads,
        "d_head": 2 * half_d_head,
    }
    model = make(kind, seed=seed, **sizes)
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(SIZES["d_vocab"], (batch, pos), generator=generator)
    expected = torch.tensor(Loops(model)(tokens.tolist()), dtype=torch.float64)
    assert_close(model(tokens), expected, rtol=1e-9, atol=1e-11)


def test_hook_names_are_those_of_transformerlens_in_forward_order(gpt2, tokens):
    assert gpt2.hook_names == EXPECTED_NAMES
    assert gpt2.hook_names_on_demand == ["blocks.0.attn.hook_result", "blocks.1.attn.hook_result"]


def test_the_cache_is_in_forward_order(model, tokens):
    _, cache = model.run_with_cache(tokens)
    assert list(cache) == model.hook_names


def test_attention_only_models_have_no_mid_stream_and_no_mlp():
    names = make("attn_only").hook_names
    assert not [name for name in names if "resid_mid" in name or "mlp" in name or "ln2" in name]


def test_rotary_models_show_the_rotated_queries_and_keys():
    names = make("rms_rotary").hook_names
    assert names[names.index("blocks.0.attn.hook_v") + 1 :][:2] == [
        "blocks.0.attn.hook_rot_q",
        "blocks.0.attn.hook_rot_k",
    ]
    assert "hook_pos_embed" not in names


def test_parameters_have_transformerlens_names_and_shapes(gpt2):
    layers, d_model, n_ctx, d_head, heads, d_vocab = SIZES.values()
    shapes = {name: tuple(value.shape) for name, value in gpt2.state_dict().items()}
    block = {
        "ln1.w": (d_model,),
        "ln1.b": (d_model,),
        "attn.W_Q": (heads, d_model, d_head),
        "attn.W_K": (heads, d_model, d_head),
        "attn.W_V": (heads, d_model, d_head),
        "attn.W_O": (heads, d_head, d_model),
        "attn.b_Q": (heads, d_head),
        "attn.b_K": (heads, d_head),
        "attn.b_V": (heads, d_head),
        "attn.b_O": (d_model,),
        "ln2.w": (d_model,),
        "ln2.b": (d_model,),
        "mlp.W_in": (d_model, 10),
        "mlp.b_in": (10,),
        "mlp.W_out": (10, d_model),
        "mlp.b_out": (d_model,),
    }
    assert shapes == {
        "embed.W_E": (d_vocab, d_model),
        "pos_embed.W_pos": (n_ctx, d_model),
        **{f"blocks.{i}.{name}": shape for i in range(layers) for name, shape in block.items()},
        "ln_final.w": (d_model,),
        "ln_final.b": (d_model,),
        "unembed.W_U": (d_model, d_vocab),
        "unembed.b_U": (d_vocab,),
    }


def test_model_level_weights_stack_the_layers(gpt2):
    for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O"):
        assert torch.equal(getattr(gpt2, name)[1], getattr(gpt2.blocks[1].attn, name))
    for name in ("W_in", "b_in", "W_out", "b_out"):
        assert torch.equal(getattr(gpt2, name)[1], getattr(gpt2.blocks[1].mlp, name))
    for name, part in {"W_E": gpt2.embed, "W_pos": gpt2.pos_embed, "W_U": gpt2.unembed}.items():
        assert getattr(gpt2, name) is getattr(part, name)
    assert gpt2.b_U is gpt2.unembed.b_U


@pytest.mark.parametrize(("kind", "name"), [("attn_only", "W_in"), ("rms_rotary", "W_pos")])
def test_weights_that_a_model_lacks_are_attribute_errors(kind, name):
    with pytest.raises(AttributeError, match=name):
        getattr(make(kind), name)


def test_qk_and_ov_are_the_circuits(gpt2):
    attn = gpt2.blocks[1].attn
    assert_close(gpt2.QK[1, 2].AB, attn.W_Q[2] @ attn.W_K[2].T)
    assert_close(gpt2.OV[1, 2].AB, attn.W_V[2] @ attn.W_O[2])


def test_the_future_changes_nothing_in_the_past(model, tokens):
    other = tokens.clone()
    other[:, -1] = (tokens[:, -1] + 1) % SIZES["d_vocab"]
    assert torch.equal(model(tokens)[:, :-1], model(other)[:, :-1])
    assert not torch.equal(model(tokens)[:, -1], model(other)[:, -1])


def test_masked_scores_are_minus_infinity_and_patterns_sum_to_one(model, tokens):
    _, cache = model.run_with_cache(tokens)
    future = torch.ones(5, 5).triu(1).bool()
    assert (cache["attn_scores", 0][..., future] == -math.inf).all()
    assert cache["attn_scores", 0][..., ~future].isfinite().all()
    assert (cache["pattern", 1][..., future] == 0).all()
    assert_close(cache["pattern", 1].sum(-1), torch.ones(2, 3, 5, dtype=torch.float64))


def test_rotary_scores_depend_on_distance_alone():
    model = make("rms_rotary")
    _, cache = model.run_with_cache(torch.full((1, 9), 3))
    scores = cache["attn_scores", 0][0]
    for distance in range(9):
        diagonal = scores.diagonal(-distance, dim1=-2, dim2=-1)
        assert_close(diagonal, diagonal[:, :1].expand_as(diagonal), rtol=1e-10, atol=1e-12)
    by_distance = scores[:, -1]
    assert by_distance.std(dim=-1).min() > 1e-3  # it does depend on distance


def test_without_positions_order_does_not_matter_to_the_last_token():
    model = make("bare", n_layers=1)
    one, other = torch.tensor([[1, 2, 3, 4]]), torch.tensor([[3, 1, 2, 4]])
    assert_close(model(one)[:, -1], model(other)[:, -1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_float32_and_float64_models_of_one_seed_compute_the_same(kind, tokens):
    single, double = make(kind, "float32"), make(kind, "float64")
    assert single(tokens).dtype == torch.float32
    assert double(tokens).dtype == torch.float64
    assert_close(single(tokens).double(), double(tokens), rtol=1e-4, atol=1e-4)


def test_cfg_dtype_follows_a_conversion(tokens):
    model = make("rms_rotary", "float32")
    assert model.double().cfg.dtype == "float64"
    assert model(tokens).dtype == torch.float64
    assert model.to(torch.float32).cfg.dtype == "float32"


def test_one_seed_gives_one_model_and_leaves_torch_alone():
    before = torch.get_rng_state()
    one, same, other = make("gpt2", seed=1), make("gpt2", seed=1), make("gpt2", seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.W_Q, same.W_Q)
    assert not torch.equal(one.W_Q, other.W_Q)


def test_a_new_model_has_zero_biases_and_unit_gains():
    cfg = Config(**SIZES, init_range=2.0)
    for name, value in ToyTransformer(cfg).named_parameters():
        last = name.rpartition(".")[2]
        if last == "w":
            assert (value == 1).all()
        elif last.startswith("b"):
            assert (value == 0).all()
        else:
            assert 1 < value.std() < 3


def test_a_random_model_has_no_zero_anywhere(gpt2):
    assert all((value != 0).all() for value in gpt2.parameters())
    assert abs(gpt2.ln_final.w.mean() - 1) < 1


def test_gradients_reach_every_parameter_but_the_keys_bias(gpt2, tokens):
    gpt2(tokens).log_softmax(-1)[..., 0].sum().backward()
    for name, value in gpt2.named_parameters():
        assert value.grad is not None, name
        if name.endswith("b_K"):  # adds the same to all scores of a query
            assert value.grad.abs().max() < 1e-12
        else:
            assert value.grad.abs().max() > 0, name


@pytest.mark.parametrize("kind", ["gpt2", "rms_rotary"])
def test_a_model_can_be_trained_after_inference_mode(kind, tokens):
    model = make(kind, n_ctx=8)  # a size of its own, so that no table has been made before
    with torch.inference_mode():
        model(tokens)
    model(tokens).sum().backward()
    assert model.W_E.grad is not None


def test_tables_that_are_kept_are_ordinary_tensors():
    dtype, device = torch.float64, torch.device("cpu")
    with torch.inference_mode():
        tables = [causal_mask(77, dtype, device), rotary_table(77, 4, 10.0, dtype, device)]
    assert not any(table.is_inference() for table in tables)


def test_a_copy_has_hooks_of_its_own(gpt2, tokens):
    twin = copy.deepcopy(gpt2)
    with twin.hooks([("hook_embed", lambda x, hook: x * 0)]):
        assert not torch.equal(twin(tokens), gpt2(tokens))
    assert torch.equal(twin(tokens), gpt2(tokens))
