"""Minimal pairs of tinyworld: prompts that differ in one thing, and the words that it decides.

A minimal pair asks what a model knows (Linzen et al. 2016; Warstadt et al., "BLiMP", 2020), and is
what patching needs: a clean and a corrupt run of equal length. Both prompts are of the language,
and a model that knows it prefers `answer` after the clean one and `wrong` after the corrupt one.
After the corrupt prompt of a year both are possible.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.tinyworld.grammar import NUMBERS, TEMPLATES
from course.zoo.tinyworld.sampling import is_held_out
from course.zoo.tinyworld.sentences import Choices
from course.zoo.tinyworld.tokenizer import IDS, WORDS, to_ids
from course.zoo.tinyworld.words import (
    BOS_WORD,
    DANGEROUS,
    DOMAINS,
    FIRST_NAMES,
    KNOWN_PEOPLE,
    MEN,
    OPPOSITES,
    RELATIONS,
    RISKY_ACTIONS,
    SAFE_ACTIONS,
    WOMEN,
    YEARS,
)

TRIES = 20_000  # for a pair with a prompt that is held out: one in eight is
YEAR_TOKENS = torch.tensor([IDS["##" + year] for year in YEARS])  # of 00 to 99
Fixed = dict[str, Any]


@dataclass(frozen=True)
class Pairs:
    """Minimal pairs whose prompts have one length.

    Attributes:
        clean, corrupt: prompts, BOS first; the question is which token comes next.
        answer: the token that belongs after the clean prompt.
        wrong: the token that belongs after the corrupt one, and not after the clean one.

    """

    clean: Int[Tensor, "batch pos"]
    corrupt: Int[Tensor, "batch pos"]
    answer: Int[Tensor, "batch"]
    wrong: Int[Tensor, "batch"]


def minimal_pairs(
    family: str, generator: torch.Generator, n: int, *, held_out: bool | None = True, **options: Any
) -> Pairs:
    """Draw minimal pairs.

    Args:
        family: one of `FAMILIES`; the functions there say what differs, and take the options.
        generator: where the random numbers come from.
        n: how many.
        held_out: True for clean prompts that no model was trained on, False for others, None
            for both. Patterns are never repeated, and so always new.
        options: such as `attractors=2` for agreement, `relation="city"` for facts.

    Raises:
        ValueError: for a family, an option or a number of pairs that cannot be.

    """
    if family not in FAMILIES or n < 1:
        raise ValueError(
            f"minimal_pairs got family={family!r}, n={n}; expected at least one pair, and one of "
            f"{', '.join(FAMILIES)}."
        )
    rng = random.Random(int(torch.randint(2**62, (), generator=generator)))
    rows = [_pair(FAMILIES[family], rng, held_out, options) for _ in range(n)]
    clean, corrupt, answer, wrong = zip(*rows, strict=True)
    return Pairs(*(torch.tensor(part) for part in (clean, corrupt, answer, wrong)))


@torch.no_grad()
def preferred(model: ToyTransformer, pairs: Pairs) -> Bool[Tensor, "batch"]:
    """Return for which pairs the answer is likelier than the wrong word; a tie does not count."""
    return answer_logit_difference(model(pairs.clean), pairs) > 0


def answer_logit_difference(
    logits: Float[Tensor, "batch pos d_vocab"], pairs: Pairs
) -> Float[Tensor, "batch"]:
    """Return how far the answer's logit is above the wrong word's, at the last position."""
    last = logits[:, -1]
    rows = torch.arange(len(last), device=last.device)
    return last[rows, pairs.answer] - last[rows, pairs.wrong]


def agreement(rng: random.Random, attractors: int = 0) -> tuple[str, Fixed, Fixed]:
    """Change the subject's number; the `attractors` after it have the corrupt one's."""
    number, other = rng.sample(NUMBERS, 2)
    fixed = {"described": True, "phrases": attractors}
    fixed |= {f"number {phrase}": other for phrase in range(attractors)}
    return "agreement", {**fixed, "number": number}, {**fixed, "number": other}


def fact(
    rng: random.Random, relation: str | None = None, shared: str | None = None
) -> tuple[str, Fixed, Fixed]:
    """Change the person, for one who shares the `"first"` or `"last"` word of the name if asked."""
    place = {"first": 0, "last": 1}.get(shared or "first")
    if place is None:
        raise ValueError(f"fact got shared={shared!r}; expected 'first', 'last' or None.")
    relation = relation or rng.choice(list(RELATIONS))
    column = _index(relation, RELATIONS)

    def may_replace(other: str, person: str) -> bool:
        is_shared = shared is None or other.split()[place] == person.split()[place]
        return is_shared and KNOWN_PEOPLE[other][column] != KNOWN_PEOPLE[person][column]

    person = rng.choice(list(KNOWN_PEOPLE))
    other = rng.choice([name for name in KNOWN_PEOPLE if may_replace(name, person)])
    fixed = {"opened": True, "relation": relation, "told": "forwards"}
    return "fact", {**fixed, "person": person}, {**fixed, "person": other}


def giving(rng: random.Random) -> tuple[str, Fixed, Fixed]:
    """Change which of the two gives, and so which of them must receive."""
    first, second = rng.sample(FIRST_NAMES, 2)
    giver, receiver = rng.sample((first, second), 2)
    fixed = {"first": first, "second": second}
    return "giving", {**fixed, "giver": giver}, {**fixed, "giver": receiver}


def pronoun(rng: random.Random) -> tuple[str, Fixed, Fixed]:
    """Change the gender of the first name."""
    one, other = rng.sample((WOMEN, MEN), 2)
    first, third = rng.choice(one), rng.choice(other)
    second = rng.choice([name for name in FIRST_NAMES if name not in (first, third)])
    fixed = {"form": "meeting", "second": second}
    return "pronoun", {**fixed, "first": first}, {**fixed, "first": third}


def year(rng: random.Random) -> tuple[str, Fixed, Fixed]:
    """Change the start year; the wrong year is too early after the clean prompt alone."""
    low, wrong, high, answer = sorted(rng.sample(range(len(YEARS)), 4))
    clean = {"start": YEARS[high], "end": YEARS[answer]}
    return "year", clean, {"start": YEARS[low], "end": YEARS[wrong]}


def negation(rng: random.Random) -> tuple[str, Fixed, Fixed]:
    """Put in a "not", or take it out."""
    negated = rng.random() < 0.5
    fixed = {"quality": rng.choice(list(OPPOSITES))}
    return "negation", {**fixed, "negated": negated}, {**fixed, "negated": not negated}


def sentiment(rng: random.Random, change: str = "evaluation") -> tuple[str, Fixed, Fixed]:
    """Change the word of praise or blame, or (`change="negation"`) whether there is a "not"."""
    sign, other = rng.sample(("positive", "negative"), 2)
    fixed = {"form": "review", "sign": sign, "negated": rng.random() < 0.5}
    changed = {"evaluation": {"sign": other}, "negation": {"negated": not fixed["negated"]}}
    return "sentiment", fixed, fixed | changed[_known(change, changed)]


def request(rng: random.Random, change: str = "topic") -> tuple[str, Fixed, Fixed]:
    """Change the topic between harmless and dangerous, or the `"action"` between risky and safe."""
    dangerous = rng.choice([topic for topic in DOMAINS if DOMAINS[topic] in DANGEROUS])
    harmless = rng.choice([topic for topic in DOMAINS if DOMAINS[topic] not in DANGEROUS])
    refused = {"topic": dangerous, "action": rng.choice(RISKY_ACTIONS)}
    changed = {"topic": {"topic": harmless}, "action": {"action": rng.choice(list(SAFE_ACTIONS))}}
    both = [refused, refused | changed[_known(change, changed)]]
    rng.shuffle(both)
    return "request", both[0], both[1]


def pattern(rng: random.Random, period: int = 12) -> tuple[str, Fixed, Fixed]:
    """Change the word that the second copy has come to, and so what comes next."""
    if not 3 <= period <= 20:
        raise ValueError(f"pattern got period={period}; expected 3 to 20.")
    words = rng.sample(WORDS[1:], period)
    reached = period // 2
    elsewhere = rng.choice([place for place in range(period - 1) if place != reached])
    clean = [*words, *words[: reached + 1]]
    corrupt = [*clean[:-1], words[elsewhere]]
    return (
        "pattern",
        {"words": [*clean, words[reached + 1]]},
        {"words": [*corrupt, words[elsewhere + 1]]},
    )


FAMILIES: dict[str, Callable[..., tuple[str, Fixed, Fixed]]] = {
    "agreement": agreement,
    "fact": fact,
    "giving": giving,
    "pronoun": pronoun,
    "year": year,
    "negation": negation,
    "sentiment": sentiment,
    "request": request,
    "pattern": pattern,
}


def _pair(
    family: Callable[..., tuple[str, Fixed, Fixed]],
    rng: random.Random,
    held_out: bool | None,
    options: Fixed,
) -> tuple[list[int], list[int], int, int]:
    """Return a clean and a corrupt prompt, and what comes next in each."""
    for _ in range(TRIES):
        kind, *fixed = family(rng, **options)
        if kind == "pattern":
            clean, corrupt = (choices["words"] for choices in fixed)
        else:
            seed = rng.getrandbits(62)
            sentences = [TEMPLATES[kind](Choices(seed, choices)) for choices in fixed]
            if held_out is not None and is_held_out(sentences[0]) != held_out:
                continue
            clean, corrupt = (
                [*sentence.prompt, sentence.words[len(sentence.prompt)]] for sentence in sentences
            )
        *clean, answer = to_ids([BOS_WORD, *clean])
        *corrupt, wrong = to_ids([BOS_WORD, *corrupt])
        return clean, corrupt, answer, wrong
    raise ValueError(
        f"minimal_pairs found no pair with {options} and held_out={held_out} in {TRIES} tries; "
        "expected some.\nToo much may be fixed: leave an option out, or set held_out=None."
    )


def _known(option: str, options: Fixed) -> str:
    if option not in options:
        raise ValueError(f"minimal_pairs got {option!r}; expected one of {', '.join(options)}.")
    return option


def _index(option: str, options: dict[str, Any]) -> int:
    return list(options).index(_known(option, options))
