"""The language says what its grammar says it does, and every word knows what generated it."""

from __future__ import annotations

import pytest
import torch

from course.zoo.tinyworld import (
    FACTORS,
    IDS,
    KNOWN_PEOPLE,
    N_CTX,
    PEOPLE,
    WORDS,
    sample,
    to_text,
    to_tokens,
    to_words,
    training_batch,
    transformers_tokenizer,
)
from course.zoo.tinyworld.grammar import TEMPLATES
from course.zoo.tinyworld.sampling import SHARES, is_held_out
from course.zoo.tinyworld.sentences import Choices
from course.zoo.tinyworld.words import (
    DANGEROUS,
    DOMAINS,
    NOUNS,
    OPPOSITES,
    REACTIONS,
    RISKY_ACTIONS,
    VALENCE,
    VERBS,
    WOMEN,
)


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sentences(kind: str, n: int = 300, **fixed):
    return [TEMPLATES[kind](Choices(seed, fixed)) for seed in range(n)]


def test_sentences_read_as_the_grammar_says():
    for kind, fixed, text in [
        (
            "request",
            {"polite": False, "wording": "help me learn to", "action": "build", "topic": "bombs"},
            "user : now help me learn to build bombs . reply : sorry , i will not help .",
        ),
        (
            "request",
            {"polite": True, "wording": "tell me how to", "action": "stop", "topic": "bombs"},
            "user : please tell me how to stop bombs . reply : sure , you need courage .",
        ),
        (
            "fact",
            {
                "opened": False,
                "person": "Anna Forest",
                "relation": "city",
                "second relation": "animal",
                "told": "forwards",
                "two facts": True,
            },
            "Anna Forest lives in Delhi and keeps a rabbit .",
        ),
    ]:
        assert " ".join(TEMPLATES[kind](Choices(0, fixed)).words) == text


def test_agreement():
    """The verb is that of the last word before it that is a subject, not of the nearest noun."""
    number = dict.fromkeys(NOUNS, "singular") | dict.fromkeys(NOUNS.values(), "plural")
    of_verb = {word: "singular" for word, _, _ in VERBS.values()}
    of_verb |= {word: "plural" for _, word, _ in VERBS.values()}
    deceived = 0
    for sentence in sentences("agreement"):
        asked = sentence.asked
        nouns = [number[word] for word in sentence.prompt if word in number]
        assert of_verb[sentence.words[asked]] == nouns[0]
        assert sentence.factors[asked]["number"] == nouns[0]
        assert sentence.factors[asked]["attractors"] == str(
            sum(other != nouns[0] for other in nouns[1:])
        )
        deceived += nouns[-1] != nouns[0]
    assert deceived > 50


def test_giving_pronoun_negation_sentiment_year_and_request():
    for sentence in sentences("giving"):
        words = sentence.words
        assert {words[1], words[3]} == {words[9], words[-2]}
        assert words[9] != words[-2]
    for sentence in sentences("pronoun"):
        feminine = sentence.words[sentence.asked] in ("she", "herself")
        assert feminine == (sentence.words[0] in WOMEN)
    for sentence in sentences("negation"):
        said, called = sentence.words[4], sentence.words[-2]
        assert called == (OPPOSITES[said] if sentence.words[3] == "not" else said)
    for sentence in sentences("sentiment", form="review"):
        good = sentence.words[4] in VALENCE["positive"]
        glad = sentence.words[-2] in REACTIONS["positive"]
        assert glad == (good != (sentence.words[3] == "not"))
    for sentence in sentences("year"):
        assert sentence.words[4] == sentence.words[7]
        assert int(sentence.words[-2][2:]) > int(sentence.words[5][2:])
    for sentence in sentences("request"):
        action, topic = sentence.words[7:9]
        refused = action in RISKY_ACTIONS and DOMAINS[topic] in DANGEROUS
        assert sentence.words[sentence.asked] == ("sorry" if refused else "sure")


def test_it_takes_both_words_of_a_name_to_know_a_fact():
    names = [name.split() for name in KNOWN_PEOPLE]
    assert len({first for first, _ in names}) * 2 == len(names) == 24
    for one, facts in PEOPLE.items():
        for other in KNOWN_PEOPLE:
            if one != other and one in KNOWN_PEOPLE and set(one.split()) & set(other.split()):
                assert not set(facts) & set(KNOWN_PEOPLE[other]), (one, other)


def test_a_fixed_choice_changes_only_what_it_decides():
    for seed in range(50):
        fixed = {"form": "review", "negated": True}
        sad, glad = (
            TEMPLATES["sentiment"](Choices(seed, fixed | {"sign": sign}))
            for sign in ("positive", "negative")
        )
        differing = [a != b for a, b in zip(sad.words, glad.words, strict=True)]
        assert sum(differing) == 2
        assert differing[4]
        assert differing[-2]


def test_a_choice_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="'sign' was fixed to 'neutral'"):
        TEMPLATES["sentiment"](Choices(0, {"sign": "neutral"}))


def test_a_sample_has_every_factor_of_every_token():
    text = sample(drawn(0), 60)
    assert text.tokens.shape == (60, N_CTX)
    assert (text.tokens[:, 0] == IDS["<bos>"]).all()
    assert text.factors.keys() == FACTORS.keys()
    for name, codes in text.factors.items():
        assert codes.shape == text.tokens.shape
        assert 0 <= codes.min() <= codes.max() < len(FACTORS[name])
        assert (codes[:, 0] == 0).all()
        assert codes.any(), name
    assert (text.factors["template"][:, 1:] > 0).all()
    for kind in SHARES:
        assert text.where("template", kind).any()


def test_factors_are_known_from_where_a_reader_knows_them():
    text = sample(drawn(1), 40, kinds=["fact"])
    last = text.where("role", "last word of a name")
    first = text.where("role", "first word of a name")
    assert (text.factors["entity"][last] > 0).all()
    assert (text.factors["entity"][first] == 0).all()
    for row, place in text.where("role", "value").nonzero().tolist():
        word = WORDS[text.tokens[row, place]]
        assert FACTORS["value"][text.factors["value"][row, place]] == word
        assert FACTORS["value"][text.factors["value"][row, place - 1]] == word
        assert word in PEOPLE[FACTORS["entity"][text.factors["entity"][row, place]]]


def test_patterns_repeat():
    text = sample(drawn(2), 50, kinds=["pattern"])
    for row in range(50):
        period = int(FACTORS["period"][text.factors["period"][row, 1]])
        tokens = text.tokens[row, 1:]
        assert torch.equal(tokens[period:], tokens[:-period])
        assert torch.equal(text.where("copy", "later")[row, 1:], torch.arange(47) >= period)


def test_what_is_held_out_shares_no_prompt_with_training():
    prompts = {held: set() for held in (True, False)}
    for kind in SHARES:
        for sentence in sentences(kind, 400):
            prompts[is_held_out(sentence)].add(" ".join(sentence.prompt))
    assert not prompts[True] & prompts[False]
    share = len(prompts[True]) / sum(map(len, prompts.values()))
    assert 0.1 < share < 0.15
    test = sample(drawn(3), 10, held_out=True, kinds=["negation"])
    text = " ".join(map(to_text, test.tokens))
    assert not any(prompt in text for prompt in prompts[False] if ", so" in prompt)


def test_nothing_is_learnt_from_what_no_reader_could_tell():
    tokens, following = training_batch(drawn(9), 40)
    text = sample(drawn(9), 40, held_out=False)
    assert torch.equal(tokens, text.tokens)
    new = text.where("copy", "first")
    assert new.any()
    assert (following[:, -1] == -100).all()
    assert torch.equal(following[:, :-1] == -100, new[:, 1:])
    assert torch.equal(following[:, :-1][~new[:, 1:]], tokens[:, 1:][~new[:, 1:]])


def test_sampling_is_decided_by_the_generator_and_leaves_other_randomness_alone():
    before = torch.get_rng_state()
    one, two, other = (sample(drawn(seed), 5).tokens for seed in (4, 4, 5))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("n", "kinds"), [(0, None), (3, ["agreement", "sonnet"]), (3, [])], ids=str
)
def test_a_sample_that_cannot_be_is_refused(n, kinds):
    with pytest.raises(ValueError, match="expected at least one document"):
        sample(drawn(0), n, kinds=kinds)


def test_an_unknown_factor_is_refused():
    text = sample(drawn(0), 1)
    with pytest.raises(ValueError, match="a factor: template, role"):
        text.where("mood", "positive")
    with pytest.raises(ValueError, match="none, positive, negative"):
        text.where("sentiment", "mixed")


def test_text_and_tokens_go_back_and_forth():
    text = "the war lasted from 1732 to 1758 ."
    tokens = to_tokens(text)
    split = ["the", "war", "lasted", "from", "17", "##32", "to", "17", "##58", "."]
    assert to_words(tokens[0]) == ["<bos>", *split]
    assert to_text(tokens[0]) == "<bos> " + text
    assert to_tokens([text, text], bos=False).shape == (2, 10)
    for row in sample(drawn(6), 40).tokens:  # patterns too, with years out of place
        assert torch.equal(to_tokens(to_text(row), bos=False)[0], row)


def test_every_word_is_used_and_none_twice():
    assert len(set(WORDS)) == len(WORDS)
    assert 300 < len(WORDS) < 500
    used = {word for kind in SHARES for sentence in sentences(kind, 900) for word in sentence.words}
    unused = [word for word in WORDS if word not in used and not word.startswith("##")]
    assert unused == ["<bos>"]


def test_unknown_words_and_ragged_texts_are_refused():
    with pytest.raises(ValueError, match=r"'keyz'.*Did you mean 'key' or 'keys'"):
        to_tokens("the keyz")
    with pytest.raises(ValueError, match=r"\[1, 2\] tokens"):
        to_tokens(["the", "the keys"])
    with pytest.raises(ValueError, match="no tokens"):
        to_tokens([])


def test_the_tokenizer_of_transformers_agrees(tmp_path):
    from transformers import AutoTokenizer

    theirs = transformers_tokenizer()
    theirs.save_pretrained(tmp_path)
    for tokenizer in (theirs, AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)):
        assert len(tokenizer) == len(WORDS)
        for row in sample(drawn(8), 12, kinds=list(SHARES)).tokens:
            text = to_text(row[1:])
            assert tokenizer(text).input_ids == row.tolist()
            assert tokenizer.decode(row[1:]) == text
        with pytest.raises(Exception, match="UNK"):
            tokenizer("the zebra")
