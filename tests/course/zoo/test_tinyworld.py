"""The shipped models: of one shape, from one recipe, and fit for `transformers`."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from course import ToyTransformer
from course.huggingface import from_huggingface, to_huggingface
from course.zoo import card, load, names
from course.zoo.tinyworld import (
    KNOWN_PEOPLE,
    RELATIONS,
    WORDS,
    minimal_pairs,
    preferred,
    sample,
    to_text,
    to_tokens,
    to_words,
    transformers_tokenizer,
)
from course.zoo.tinyworld.measures import measure_tinyworld
from course.zoo.tinyworld.training import BOUNDS, N_CTX, config, train

NAMES = tuple(name for name in names() if name.startswith("tinyworld"))


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_models_differ_in_the_seed_alone(name):
    cfg = load(name).cfg
    assert cfg == config(cfg.seed)
    assert (cfg.n_layers, cfg.d_model, cfg.n_ctx, cfg.d_vocab) == (3, 128, N_CTX, len(WORDS))
    assert 600_000 < sum(weight.numel() for weight in load(name).parameters()) < 1_200_000
    seeds = [load(other).cfg.seed for other in NAMES]
    assert len(set(seeds)) == len(NAMES)


def test_enough_facts_are_known():
    truth = card("tinyworld")["ground_truth"]
    known = truth["facts known after every opening"] * len(KNOWN_PEOPLE) * len(RELATIONS)
    assert known >= 64
    assert truth["facts, first of all words"] >= 0.99


@pytest.mark.parametrize("family", ["agreement", "giving", "request", "negation"])
def test_the_corrupt_prompt_turns_the_preference_round(family):
    pairs = minimal_pairs(family, torch.Generator().manual_seed(77), 40)
    turned = type(pairs)(pairs.corrupt, pairs.clean, pairs.wrong, pairs.answer)
    model = load("tinyworld")
    assert preferred(model, pairs).double().mean() > 0.9
    assert preferred(model, turned).double().mean() > 0.9


def test_an_untrained_model_knows_nothing():
    """Control: the measures do not find knowledge where there is none."""
    truth = measure_tinyworld(ToyTransformer(config(0)))
    assert truth.keys() == card("tinyworld")["ground_truth"].keys()
    for claim in BOUNDS:
        assert float(truth[claim]) < 0.75, claim


def test_transformers_runs_the_model_and_its_tokenizer(tmp_path):
    from transformers import AutoTokenizer, GPT2LMHeadModel

    model = load("tinyworld")
    assert not model.b_U.any()
    to_huggingface(model).save_pretrained(tmp_path)
    transformers_tokenizer().save_pretrained(tmp_path)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path, local_files_only=True)
    tokens = sample(torch.Generator().manual_seed(0), 3).tokens
    with torch.no_grad():
        assert_close(model(tokens), theirs(tokens).logits, atol=1e-4, rtol=1e-4)
        assert_close(model(tokens), from_huggingface(tmp_path)(tokens), atol=0, rtol=0)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    prompt = tokenizer("they say Anna Forest lives in", return_tensors="pt").input_ids
    assert torch.equal(prompt, to_tokens("they say Anna Forest lives in"))
    with torch.no_grad():
        guess = theirs(prompt).logits[0, -1].argmax()
    assert tokenizer.decode([guess]) == "Delhi"


def test_training_is_reproduced_and_touches_no_other_randomness():
    before = torch.get_rng_state()
    one, losses = train(seed=3, steps=2, progress=False)
    two = train(seed=3, steps=2, progress=False)[0]
    assert torch.equal(before, torch.get_rng_state())
    assert len(losses) == 2
    assert not one.b_U.any()
    for name, weight in one.named_parameters():
        assert weight.requires_grad
        assert torch.equal(weight, two.get_parameter(name)), name
    assert not torch.equal(one.W_E, train(seed=4, steps=2, progress=False)[0].W_E)


def test_the_model_writes_the_language():
    """What it writes after a name, the likeliest word each time, ends in a full stop."""
    model = load("tinyworld")
    tokens = to_tokens("Anna")
    with torch.no_grad():
        while to_words(tokens[0])[-1] != "." and tokens.shape[1] < 20:
            tokens = torch.cat([tokens, model(tokens)[:, -1:].argmax(dim=-1)], dim=1)
    assert to_text(tokens[0]).endswith(".")
