"""GPT-2 of `transformers` is a second oracle: equal logits, out and back, from a folder on disk."""

import pytest
import torch
from specimens import SIZES, make
from torch.testing import assert_close
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model, LlamaConfig, LlamaForCausalLM

from course import Config, ToyTransformer
from course.huggingface import from_huggingface, to_huggingface

GPT2_SIZES = {"n_layers": 2, "d_model": 12, "n_ctx": 9, "d_head": 4, "n_heads": 3, "d_vocab": 11}


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    """Let nothing here depend on a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def gpt2_of_transformers(seed: int = 0, **fields) -> GPT2LMHeadModel:
    """Return a small GPT-2 whose every parameter, biases too, is drawn."""
    config = GPT2Config(
        **{
            "vocab_size": 11,
            "n_positions": 9,
            "n_embd": 12,
            "n_layer": 2,
            "n_head": 3,
            "bos_token_id": None,
            "eos_token_id": None,
            **fields,
        }
    )
    model = GPT2LMHeadModel(config)
    model.set_attn_implementation("eager")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if "ln_" in name and name.endswith("weight") else 0.0
            parameter.copy_(centre + 0.3 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def toy(**fields) -> ToyTransformer:
    """Return a model that GPT-2 can hold: all drawn, but for the bias of the logits."""
    model = ToyTransformer.random(Config(**{**GPT2_SIZES, **fields}, init_range=0.3))
    with torch.no_grad():
        model.b_U.zero_()
    return model


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.tensor([[0, 7, 3, 7, 10, 1, 1, 5, 8], [4, 4, 1, 9, 2, 0, 6, 3, 3]])


CONFIGS = [
    {"activation_function": "gelu_new"},
    {"activation_function": "gelu"},
    {"activation_function": "relu", "n_inner": 7},
    {"activation_function": "gelu_pytorch_tanh", "n_head": 2, "n_layer": 3},
    {"tie_word_embeddings": False},
    {"layer_norm_epsilon": 0.1},
]


@pytest.mark.parametrize("fields", CONFIGS)
def test_a_folder_on_disk_gives_the_same_logits(fields, tokens, tmp_path):
    theirs = gpt2_of_transformers(**fields)
    theirs.save_pretrained(tmp_path)
    ours = from_huggingface(tmp_path)
    assert_close(ours(tokens), theirs(tokens).logits, rtol=0, atol=1e-4)
    assert_close(ours(tokens), theirs(tokens).logits, rtol=1e-4, atol=1e-5)


def test_a_folder_named_by_a_string(tokens, tmp_path):
    gpt2_of_transformers().save_pretrained(tmp_path)
    assert torch.equal(from_huggingface(str(tmp_path))(tokens), from_huggingface(tmp_path)(tokens))


def test_activations_are_those_of_transformers(tokens):
    theirs = gpt2_of_transformers()
    output = theirs(tokens, output_attentions=True, output_hidden_states=True)
    _, cache = from_huggingface(theirs).run_with_cache(tokens)
    for layer in range(2):
        assert_close(cache["pattern", layer], output.attentions[layer], rtol=1e-4, atol=1e-5)
        assert_close(cache["resid_pre", layer], output.hidden_states[layer], rtol=1e-4, atol=1e-5)
    assert_close(cache["unembed.hook_in"], output.hidden_states[2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("act_fn", ["gelu", "gelu_new", "relu"])
def test_out_and_back_is_the_same_model(act_fn, tokens, tmp_path):
    ours = toy(act_fn=act_fn, eps=1e-3, d_mlp=20)
    theirs = to_huggingface(ours)
    assert not theirs.training
    assert_close(theirs(tokens).logits, ours(tokens), rtol=0, atol=1e-4)
    theirs.save_pretrained(tmp_path)
    back = from_huggingface(tmp_path)
    assert back.cfg == Config(**GPT2_SIZES, act_fn=act_fn, eps=1e-3, d_mlp=20)
    for name, value in ours.state_dict().items():
        assert torch.equal(back.state_dict()[name], value), name


def test_the_way_out_uses_eager_attention_so_that_patterns_come_out(tokens):
    theirs = to_huggingface(toy())
    assert len(theirs(tokens, output_attentions=True).attentions) == 2


def test_an_unembedding_that_is_the_embedding_stays_tied():
    assert not to_huggingface(toy()).config.tie_word_embeddings
    model = toy()
    with torch.no_grad():
        model.W_U.copy_(model.W_E.T)
    theirs = to_huggingface(model)
    assert theirs.config.tie_word_embeddings
    assert theirs.lm_head.weight is theirs.transformer.wte.weight


def test_tied_weights_come_apart_on_the_way_in(tokens):
    ours = from_huggingface(gpt2_of_transformers())
    before = ours.W_E.clone()
    with torch.no_grad():
        ours.W_U.zero_()
    assert torch.equal(ours.W_E, before)


def test_the_copy_shares_no_memory(tokens):
    theirs = gpt2_of_transformers()
    ours = from_huggingface(theirs)
    before = ours(tokens)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.zero_()
    assert torch.equal(ours(tokens), before)


def test_float64_stays_float64(tokens):
    theirs = gpt2_of_transformers().double()
    ours = from_huggingface(theirs)
    assert ours.cfg.dtype == "float64"
    assert_close(ours(tokens), theirs(tokens).logits, rtol=1e-10, atol=1e-10)
    assert to_huggingface(ours)(tokens).logits.dtype == torch.float64


def test_half_precision_becomes_float32(tokens):
    theirs = gpt2_of_transformers().to(torch.bfloat16)
    ours = from_huggingface(theirs)
    assert ours.cfg.dtype == "float32"
    assert_close(ours(tokens), theirs.float()(tokens).logits, rtol=1e-4, atol=1e-5)


def test_nothing_is_written_to_stderr(tmp_path, capfd):
    gpt2_of_transformers().save_pretrained(tmp_path)
    capfd.readouterr()
    from_huggingface(tmp_path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["attn_only", "rms_rotary", "bare_with_mlp", "gpt2"])
def test_models_that_gpt2_cannot_hold_stay(kind):
    with pytest.raises(ValueError, match="as in GPT-2"):
        to_huggingface(make(kind))  # "gpt2" has d_model != n_heads * d_head


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("attn_only", "attn_only=True"),
        ("rms_rotary", "normalization_type='RMS'"),
        ("bare_with_mlp", "normalization_type=None"),
        ("ln_without_positions", "positional_embedding_type=None"),
        ("gpt2", r"n_heads \* d_head=12; expected 6"),
    ],
)
def test_the_field_that_gpt2_lacks_is_named(kind, field):
    assert SIZES["d_model"] == 6
    with pytest.raises(ValueError, match=field):
        to_huggingface(make(kind))


def test_a_bias_of_the_logits_stays():
    with pytest.raises(ValueError, match="b_U"):
        to_huggingface(ToyTransformer.random(Config(**GPT2_SIZES)))


def test_a_model_without_unembedding_is_refused():
    model = GPT2Model(gpt2_of_transformers().config)
    with pytest.raises(ValueError, match="GPT2Model; expected a GPT2LMHeadModel"):
        from_huggingface(model)


def test_a_folder_with_another_model_is_refused(tmp_path):
    config = LlamaConfig(
        vocab_size=11,
        hidden_size=12,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=3,
        bos_token_id=None,
        eos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="model_type='llama'; expected 'gpt2'"):
        from_huggingface(tmp_path)


@pytest.mark.parametrize(
    "fields",
    [
        {"scale_attn_weights": False},
        {"scale_attn_by_inverse_layer_idx": True},
        {"add_cross_attention": True},
        {"activation_function": "silu"},
    ],
)
def test_variants_that_we_do_not_compute_are_refused(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        from_huggingface(gpt2_of_transformers(**fields))


@pytest.mark.parametrize("name", ["no_such_folder", "nobody/nothing"])
def test_a_source_that_is_not_there_is_named(name):
    with pytest.raises(OSError, match=f"'{name}'; expected a folder"):
        from_huggingface(name)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(OSError, match="no usable folder"):
        from_huggingface(tmp_path)
