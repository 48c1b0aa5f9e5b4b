"""A disguised model computes the same, and is another model all the same."""

from __future__ import annotations

import itertools

import pytest
import torch

from course import Config, ToyTransformer
from course.zoo import disguise, load

CONFIGS = [
    Config(
        n_layers=2,
        d_model=18,
        n_ctx=9,
        d_head=6,
        n_heads=3,
        d_vocab=11,
        d_mlp=None if attn_only else 13,
        attn_only=attn_only,
        normalization_type=normalization,
        positional_embedding_type=positions,
        dtype=dtype,
    )
    for attn_only, normalization, positions, dtype in itertools.product(
        (True, False), ("LN", "RMS", None), ("standard", "rotary", None), ("float32", "float64")
    )
]
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def name_of(cfg: Config) -> str:
    mlp = "attn" if cfg.attn_only else "mlp"
    return f"{mlp}-{cfg.normalization_type}-{cfg.positional_embedding_type}-{cfg.dtype}"


def tokens_for(model: ToyTransformer, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (4, min(9, model.cfg.n_ctx))
    return torch.randint(0, model.cfg.d_vocab, shape, generator=generator)


@torch.no_grad()
def largest_difference(model: ToyTransformer, seed: int) -> float:
    """Return how far logits and patterns are from the original's, the largest of all."""
    hidden, tokens = disguise(model, seed), tokens_for(model)
    logits, cache = model.run_with_cache(tokens)
    own_logits, own_cache = hidden.model.run_with_cache(hidden.tokens(tokens))
    differences = [(hidden.logits(own_logits) - logits).abs().max()]
    for layer in range(model.cfg.n_layers):
        pattern = own_cache["pattern", layer][:, hidden.heads[layer]]
        differences.append((pattern - cache["pattern", layer]).abs().max())
        if not model.cfg.attn_only:
            post = own_cache["post", layer][..., hidden.neurons[layer]]
            differences.append((post - cache["post", layer]).abs().max())
    return float(max(differences))


@pytest.mark.parametrize("cfg", CONFIGS, ids=name_of)
def test_logits_patterns_and_neurons_are_the_same(cfg):
    model = ToyTransformer.random(cfg, seed=5)
    for seed in range(3):
        assert largest_difference(model, seed) < TOLERANCE[model.W_E.dtype]


@pytest.mark.parametrize("cfg", CONFIGS[::5], ids=name_of)
def test_a_disguise_with_one_rotation_left_out_would_be_noticed(cfg):
    """Control: the comparison above fails when values are turned and not turned back."""
    model = ToyTransformer.random(cfg, seed=5)
    hidden = disguise(model, 0)
    with torch.no_grad():
        hidden.model.get_parameter("blocks.0.attn.W_O")[0].copy_(model.W_O[0, 0])
    tokens = tokens_for(model)
    change = hidden.logits(hidden.model(hidden.tokens(tokens))) - model(tokens)
    assert change.abs().max() > 1e-3


@pytest.mark.parametrize("cfg", CONFIGS, ids=name_of)
def test_no_weight_of_a_head_is_left_as_it_was(cfg):
    model = ToyTransformer.random(cfg, seed=5)
    hidden = disguise(model, 1).model
    for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V"):
        old, new = getattr(model, name), getattr(hidden, name)
        for layer in range(cfg.n_layers):
            for before, after in itertools.product(old[layer], new[layer]):
                assert (before - after).abs().mean() > 0.01, name


def test_vocabulary_heads_and_neurons_move_as_the_key_says():
    model = ToyTransformer.random(CONFIGS[-1], seed=5)
    hidden = disguise(model, 3)
    assert torch.equal(hidden.model.W_E[hidden.vocab], model.W_E)
    assert torch.equal(hidden.model.unembed.b_U[hidden.vocab], model.unembed.b_U)
    for layer in range(model.cfg.n_layers):
        neurons = hidden.neurons[layer]
        assert torch.equal(hidden.model.b_in[layer, neurons], model.b_in[layer])
        assert [hidden.head(layer, head) for head in range(3)] == hidden.heads[layer].tolist()
    for permutation in (hidden.vocab, *hidden.heads, *hidden.neurons):
        assert permutation.sort().values.tolist() == list(range(len(permutation)))
    assert not torch.equal(hidden.neurons[0], hidden.neurons[1])


def test_heads_take_every_place_over_the_seeds():
    model = ToyTransformer.random(CONFIGS[0])
    places = {
        (disguise(model, seed).head(0, 0), disguise(model, seed).head(1, 2)) for seed in range(60)
    }
    assert places == set(itertools.product(range(3), range(3)))


def test_the_bos_keeps_its_number_unless_told_otherwise():
    model = ToyTransformer.random(CONFIGS[0])
    assert all(disguise(model, seed).vocab[0] == 0 for seed in range(20))
    assert any(disguise(model, seed, keep=()).vocab[0] != 0 for seed in range(20))
    assert all(disguise(model, seed, keep=(4, 7)).vocab[7] == 7 for seed in range(20))


def test_a_seed_gives_one_disguise_and_leaves_the_model_alone():
    for dtype in ("float32", "float64"):
        model = ToyTransformer.random(next(cfg for cfg in CONFIGS if cfg.dtype == dtype))
        before = {name: value.clone() for name, value in model.state_dict().items()}
        first, again, other = disguise(model, 1), disguise(model, 1), disguise(model, 2)
        assert torch.equal(first.model.W_Q, again.model.W_Q)
        assert not torch.equal(first.model.W_Q, other.model.W_Q)
        assert first.model.cfg == model.cfg
        for name, value in model.state_dict().items():
            assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("name", ["induction_by_hand", "induction_2l"])
def test_shipped_models_can_be_disguised(name):
    model = load(name)
    for seed in range(2):
        # The built model's scores are in the tens and its logits ten times a probability.
        assert largest_difference(model, seed) < 20 * TOLERANCE[model.W_E.dtype]
