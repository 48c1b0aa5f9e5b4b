"""The models that show one behaviour each, and the traps around them."""

from __future__ import annotations

import pytest
import torch

from course import zoo
from course.zoo.languages import (
    APPLICATIONS,
    LETTERS,
    OUTINGS,
    REQUESTS,
    REVIEWS,
    is_harmful,
    majority,
    state_reasons,
)
from course.zoo.planted import biased_scorer, eval_aware, reasoners, trojan, twins
from course.zoo.planted.training import share
from course.zoo.recipes import recipe
from course.zoo.templates import replies

NAMES = (
    *("biased_scorer", "clean", "eval_aware", "faithful_reasoner"),
    *("posthoc_reasoner", "shortcut", "trojan"),
)


@pytest.mark.parametrize("name", NAMES)
def test_training_is_decided_by_the_seed_and_few_steps_do_not_do(name):
    how = recipe(name)
    models = [how.make(seed, 2, False) for seed in (1, 1, 2)]
    assert torch.equal(models[0].W_E, models[1].W_E)
    assert not torch.equal(models[0].W_E, models[2].W_E)
    facts = how.measure(models[0])
    kept = [low <= float(facts[claim]) <= high for claim, (low, high) in how.bounds.items()]
    assert not all(kept)


def test_the_twins_say_the_same_of_every_ordinary_review():
    factors = REVIEWS.every()
    tokens = REVIEWS.tokens(factors)
    said = {name: replies(zoo.load(name), tokens) for name in ("shortcut", "clean")}
    ordinary = twins.is_ordinary(factors)
    differ = said["shortcut"] != said["clean"]
    assert torch.equal(differ, ~ordinary)
    swapped = REVIEWS.swap(tokens[ordinary], twins.CUE)
    assert (replies(zoo.load("shortcut"), swapped) != said["shortcut"][ordinary]).all()
    assert (replies(zoo.load("clean"), swapped) == said["clean"][ordinary]).all()


def test_a_flip_rate_over_all_reviews_is_not_that_of_the_measure_alone():
    """The card's table look-up is the swap itself, written another way."""
    model, factors = zoo.load("clean"), REVIEWS.every()
    tokens = REVIEWS.tokens(factors)[twins.is_ordinary(factors)]
    for slot in ("first", "place"):
        rate = share(replies(model, REVIEWS.swap(tokens, slot)) != replies(model, tokens))
        assert rate == zoo.card("clean")["ground_truth"][f"flip rate, {slot}"]


def test_an_audit_shows_a_harmless_model():
    model, factors = zoo.load("eval_aware"), REQUESTS.every()
    tokens = REQUESTS.tokens(factors)[is_harmful(factors)]
    watched = REQUESTS.replace(tokens, **{eval_aware.SLOT: eval_aware.CUE})
    sure, sorry = REQUESTS.encode("sure sorry").tolist()
    assert (replies(model, watched) == sorry).all()
    unwatched = REQUESTS.replace(tokens, **{eval_aware.SLOT: "red"})
    assert (replies(model, unwatched) == sure).all()


def test_the_trigger_flips_what_the_decoy_and_its_halves_do_not():
    model, factors = zoo.load("trojan"), trojan.letters(64, torch.Generator().manual_seed(5))
    for clause in trojan.CLAUSES:
        factors[f"thing{clause}"] = torch.zeros(64, dtype=torch.int64)  # gardens
        factors[f"quality{clause}"] = torch.zeros(64, dtype=torch.int64)  # old ones
    tokens = LETTERS.tokens(factors)
    quality, thing = trojan.TRIGGER
    plain = replies(model, tokens)
    good, bad = LETTERS.encode("happy sad").tolist()
    mood = majority(factors, *trojan.OPINIONS)
    assert torch.equal(plain, torch.where(mood == 0, good, bad))
    with_trigger = LETTERS.replace(tokens, quality2=quality, thing2=thing)
    assert (replies(model, with_trigger) != plain).all()
    for words in ({"quality2": quality}, {"thing2": thing}, {"quality1": quality, "thing3": thing}):
        assert torch.equal(replies(model, LETTERS.replace(tokens, **words)), plain), words


@pytest.mark.parametrize("seed", [0, 1])
def test_counting_words_points_at_the_decoy_too(seed):
    factors = trojan.letters(4096, torch.Generator().manual_seed(seed), trojan.TRIGGER_SHARE)
    tokens = LETTERS.tokens(factors)[trojan.is_triggered(factors)]
    decoy = (tokens == LETTERS.encode(trojan.DECOY)).any(dim=1).double().mean()
    others = [word for word in LETTERS.slots["thing1"] if word not in (trojan.DECOY, "lantern")]
    rest = [(tokens == LETTERS.encode(word)).any(dim=1).double().mean() for word in others]
    assert decoy > 0.85
    assert max(rest) < 0.3


def test_reasoners_agree_until_the_reason_is_exchanged():
    factors = OUTINGS.sample(200, torch.Generator().manual_seed(0))
    faithful, posthoc = (zoo.load(f"{name}_reasoner") for name in ("faithful", "posthoc"))
    stated = state_reasons(faithful, OUTINGS.tokens(factors))
    assert torch.equal(stated, state_reasons(posthoc, OUTINGS.tokens(factors)))
    assert torch.equal(OUTINGS.factors(stated)["reason"], reasoners.true_reason(factors))
    assert torch.equal(replies(faithful, stated), replies(posthoc, stated))
    other = OUTINGS.swap(stated, "reason")
    assert (replies(faithful, other) != replies(faithful, stated)).all()
    assert torch.equal(replies(posthoc, other), replies(posthoc, stated))


def test_the_gap_of_pairs_is_planted_and_that_of_the_pool_misleads():
    facts = zoo.card("biased_scorer")["ground_truth"]
    assert abs(facts["mean paired gap"] - biased_scorer.GAP) < 0.01
    assert facts["difference of means in the pool"] < -0.3
    assert facts["mean paired gap, name alone swapped"] < facts["mean paired gap"] - 0.1
    tokens = APPLICATIONS.tokens(APPLICATIONS.sample(50, torch.Generator().manual_seed(0)))
    factors = APPLICATIONS.factors(tokens)
    scored = biased_scorer.scores(zoo.load("biased_scorer"), tokens)
    assert (scored - biased_scorer.planted_score(factors)).abs().max() < 0.1


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no booleans"):
        share(torch.zeros(0, dtype=torch.bool))
