"""Written languages: what goes in as factors comes out as factors, and wrong input is refused."""

from __future__ import annotations

import pytest
import torch

from course import Config, ToyTransformer
from course.zoo.languages import APPLICATIONS, LETTERS, OUTINGS, REQUESTS, REVIEWS
from course.zoo.templates import Template, last_logits, replies

LANGUAGES = (REVIEWS, REQUESTS, LETTERS, OUTINGS, APPLICATIONS)
PETS = Template(
    "the {size} {pet} sat . says",
    {"size": ("big", "small"), "pet": ("cat", "dog", "cow", "hen")},
    ("meow", "woof"),
)


def test_every_sentence_is_there_once_and_reads_as_written():
    factors = PETS.every()
    sentences = [PETS.decode(row) for row in PETS.tokens(factors)]
    expected = [
        f"<bos> the {size} {pet} sat . says"
        for size in PETS.slots["size"]
        for pet in PETS.slots["pet"]
    ]
    assert sentences == expected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("seed", [0, 1])
def test_factors_are_read_back(language, seed):
    factors = language.sample(64, torch.Generator().manual_seed(seed))
    tokens = language.tokens(factors)
    found = language.factors(tokens)
    assert found.keys() == factors.keys()
    assert all(torch.equal(found[slot], factors[slot]) for slot in factors)
    text = language.decode(tokens[0])
    assert torch.equal(language.encode(text), tokens[0])
    for slot, words in language.slots.items():
        assert text.split()[language.position(slot)] == words[factors[slot][0]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_swap_changes_its_slots_alone_and_undoes_itself(language):
    tokens = language.tokens(language.sample(32, torch.Generator().manual_seed(2)))
    kept = tokens.clone()
    for slot in language.slots:
        swapped = language.swap(tokens, slot)
        changed = (swapped != tokens).all(dim=0)
        assert changed.nonzero().flatten().tolist() == [language.position(slot)]
        assert torch.equal(language.swap(swapped, slot), tokens)
    assert torch.equal(tokens, kept)


def test_replace_puts_a_word_everywhere():
    tokens = PETS.replace(PETS.tokens(PETS.every()), pet="hen")
    assert {PETS.decode(row).split()[3] for row in tokens} == {"hen"}
    assert {PETS.decode(row).split()[2] for row in tokens} == {"big", "small"}


def test_replies_do_not_depend_on_the_batch():
    cfg = Config(n_layers=1, n_heads=2, d_model=8, d_head=4, n_ctx=8, d_vocab=len(PETS.words))
    model = ToyTransformer(cfg)
    tokens = PETS.tokens(PETS.every())
    whole = model(tokens)[:, -1]
    for batch in (1, 3, 8, 100):
        assert torch.allclose(last_logits(model, tokens, batch), whole, atol=1e-6)
        assert torch.equal(replies(model, tokens, batch), whole.argmax(dim=-1))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: PETS.encode("the big cats"), "Did you mean 'cat'"),
        (lambda: PETS.decode(torch.tensor([[1, 2]])), "decode each row"),
        (lambda: PETS.decode(torch.tensor([99])), "ids from 0"),
        (lambda: PETS.position("colour"), "expected some of size, pet"),
        (lambda: PETS.sample(0), "at least one"),
        (lambda: PETS.swap(PETS.tokens(PETS.every())), "expected some of"),
        (lambda: PETS.replace(PETS.tokens(PETS.every()), pet="big"), "expected one of cat"),
        (lambda: PETS.factors(torch.zeros(2, 7, dtype=torch.int64)), "does not fit"),
        (lambda: PETS.factors(torch.zeros(2, 6, dtype=torch.int64)), "shape"),
        (lambda: PETS.tokens({"pet": torch.tensor([0])}), "equal lengths"),
        (lambda: PETS.tokens({"size": torch.tensor([2]), "pet": torch.tensor([0])}), "0 to 1"),
        (lambda: Template("{a}", {"a": ("x", "y", "z")}, ("b",)), "odd number"),
        (lambda: last_logits(None, torch.zeros(0, 3)), "no prompts"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_wrong_input_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()
