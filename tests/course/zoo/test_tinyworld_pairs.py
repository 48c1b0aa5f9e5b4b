"""Minimal pairs differ in one thing, and the language decides between their words."""

from __future__ import annotations

import pytest
import torch

from course.zoo.tinyworld import (
    FAMILIES,
    IDS,
    PEOPLE,
    RELATIONS,
    YEAR_TOKENS,
    Pairs,
    answer_logit_difference,
    fact_prompts,
    fact_token,
    minimal_pairs,
    preferred,
    to_text,
    to_words,
)

OPTIONS = [
    *((family, {}) for family in FAMILIES),
    ("agreement", {"attractors": 2}),
    ("fact", {"relation": "job", "shared": "first"}),
    ("fact", {"shared": "last", "held_out": None}),
    ("sentiment", {"change": "negation"}),
    ("request", {"change": "action"}),
    ("pattern", {"period": 5}),
]


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("family", "options"), OPTIONS, ids=str)
def test_pairs_differ_in_one_token(family, options):
    pairs = minimal_pairs(family, drawn(0), 20, **options)
    assert pairs.clean.shape == pairs.corrupt.shape
    assert pairs.answer.shape == pairs.wrong.shape == (20,)
    assert (pairs.answer != pairs.wrong).all()
    assert (pairs.clean[:, 0] == 0).all()
    differing = (pairs.clean != pairs.corrupt).sum(dim=1)
    most = 2 if family == "fact" and "shared" not in options else 1
    assert 1 <= differing.min() <= differing.max() <= most
    same = minimal_pairs(family, drawn(0), 20, **options)
    assert torch.equal(pairs.clean, same.clean)


def test_attractors_have_the_other_number():
    pairs = minimal_pairs("agreement", drawn(1), 30, attractors=2)
    for clean, answer in zip(pairs.clean, pairs.answer, strict=True):
        words = to_words(clean)
        plural = {word for word in words if word in ("children", "women") or word[-1] == "s"}
        subject, *others = (words[place] in plural for place in (3, 6, 9))
        assert others == [not subject] * 2
        singular = WORD_OF_ONE & {to_words([answer])[0]}
        assert bool(singular) != subject


WORD_OF_ONE = {"is", "was", "has", "looks"}


def test_a_wrong_year_is_too_early_after_the_clean_prompt_alone():
    pairs = minimal_pairs("year", drawn(2), 50)
    first = int(YEAR_TOKENS[0])
    clean, corrupt = (prompts[:, 6] - first for prompts in (pairs.clean, pairs.corrupt))
    assert (pairs.answer - first > clean).all()
    assert (pairs.wrong - first <= clean).all()
    assert (pairs.wrong - first > corrupt).all()
    assert to_words(YEAR_TOKENS[[0, 99]]) == ["##00", "##99"]


def test_a_shared_word_is_shared():
    pairs = minimal_pairs("fact", drawn(3), 20, relation="animal", shared="first")
    assert torch.equal(pairs.clean[:, 3], pairs.corrupt[:, 3])
    assert (pairs.clean[:, 4] != pairs.corrupt[:, 4]).all()
    for clean, answer in zip(pairs.clean, pairs.answer, strict=True):
        person = " ".join(to_words(clean[3:5]))
        assert PEOPLE[person][list(RELATIONS).index("animal")] == to_words([answer])[0]


def test_the_answer_goes_on_a_pattern():
    pairs = minimal_pairs("pattern", drawn(4), 20, period=9)
    for prompts, answers in ((pairs.clean, pairs.answer), (pairs.corrupt, pairs.wrong)):
        for row, answer in zip(prompts.tolist(), answers.tolist(), strict=True):
            assert row[row.index(row[-1], 1) + 1] == answer
    assert pairs.clean.shape == (20, 1 + 9 + 5)


def test_a_tie_is_not_a_preference():
    logits = torch.zeros(3, 2, 9)
    logits[0, -1, 4] = 1.0
    logits[1, -1, 5] = 2.0
    logits[:, 0, 4] = 7.0  # another position
    prompts, answer = torch.zeros(3, 2, dtype=torch.long), torch.tensor([4, 4, 4])
    pairs = Pairs(prompts, prompts, answer, answer + 1)
    assert answer_logit_difference(logits, pairs).tolist() == [1.0, -2.0, 0.0]
    assert preferred(lambda tokens: logits, pairs).tolist() == [True, False, False]


def test_a_fact_is_asked_for_in_eight_ways():
    prompts = fact_prompts("Anna Forest", "city")
    assert prompts.shape == (8, 7)
    assert to_text(prompts[0]) == "<bos> they say Anna Forest lives in"
    assert fact_token("Anna Forest", "city") == IDS["Delhi"]


@pytest.mark.parametrize(
    ("family", "n", "options", "match"),
    [
        ("sonnet", 1, {}, "one of agreement, fact"),
        ("fact", 0, {}, "at least one pair"),
        ("fact", 1, {"relation": "colour"}, "city, job, animal, instrument"),
        ("fact", 1, {"shared": "middle"}, "'first', 'last' or None"),
        ("sentiment", 1, {"change": "topic"}, "evaluation, negation"),
        ("agreement", 1, {"attractors": 3}, "'phrases' was fixed to 3"),
        ("pattern", 1, {"period": 40}, "3 to 20"),
    ],
)
def test_pairs_that_cannot_be_are_refused(family, n, options, match):
    with pytest.raises(ValueError, match=match):
        minimal_pairs(family, drawn(0), n, **options)
