"""Text of tinyworld: documents of sentences, or of a random pattern that repeats.

A document begins with a BOS and fills the context; its last sentence may be cut off. Sentences in
it have nothing to do with each other.

One sentence in eight is held out: which, its prompt decides (the words before the first answer), by
their CRC. So training and test never share a prompt, whatever seeds they are drawn from.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from course.zoo.tinyworld.grammar import TEMPLATES
from course.zoo.tinyworld.sentences import FACTORS, NO_YES, Choices, Sentence
from course.zoo.tinyworld.tokenizer import WORDS, to_ids
from course.zoo.tinyworld.words import BOS_WORD

N_CTX = 48
HELD_OUT = 8  # one sentence in so many
# How often a sentence is of each kind.
SHARES = {
    "agreement": 4,
    "fact": 5,
    "giving": 3,
    "pronoun": 1,
    "year": 2,
    "negation": 2,
    "sentiment": 4,
    "request": 3,
}
PATTERNS = 0.35  # how often a document is a pattern
NOTHING = -100
SHORTEST_PERIOD, LONGEST_PERIOD = 5, 20
CODES = {name: {value: code for code, value in enumerate(FACTORS[name])} for name in FACTORS}


@dataclass(frozen=True)
class Sample:
    """Documents, and for every token what generated it.

    Attributes:
        tokens: the documents; BOS first.
        factors: by name, what a reader knows who has read up to this token, as codes:
            `FACTORS[name][code]` says it in words, and 0 is "none".

    """

    tokens: Int[Tensor, "batch pos"]
    factors: dict[str, Int[Tensor, "batch pos"]]

    def where(self, factor: str, value: str) -> Bool[Tensor, "batch pos"]:
        """Return the mask of the tokens at which a factor has this value.

        Raises:
            ValueError: when there is no such factor, or it has no such value.

        """
        if value not in CODES.get(factor, {}):
            known = FACTORS.get(factor)
            expected = f"one of {', '.join(known)}" if known else f"a factor: {', '.join(FACTORS)}"
            raise ValueError(f"where got {factor!r}, {value!r}; expected {expected}.")
        return self.factors[factor] == CODES[factor][value]


class Word(NamedTuple):
    """A word of a document with its factors."""

    word: str
    factors: dict[str, str]


def sample(
    generator: torch.Generator,
    n: int,
    *,
    held_out: bool | None = None,
    kinds: Sequence[str] | None = None,
) -> Sample:
    """Draw documents of `N_CTX` tokens, with the factors of every token.

    Args:
        generator: where the random numbers come from.
        n: how many documents.
        held_out: True for sentences that no model was trained on, False for the others, None
            for both.
        kinds: of sentence that may occur, `pattern` among them; all when None.

    Raises:
        ValueError: for a kind that the language does not have, or no documents.

    """
    documents = _documents(generator, n, held_out, kinds)
    tokens = torch.tensor([to_ids(word.word for word in document) for document in documents])
    factors = {
        name: torch.tensor(
            [[codes[word.factors.get(name, "none")] for word in document] for document in documents]
        )
        for name, codes in CODES.items()
    }
    return Sample(tokens, factors)


def training_batch(
    generator: torch.Generator, n: int, *, held_out: bool = False
) -> tuple[Int[Tensor, "batch pos"], Int[Tensor, "batch pos"]]:
    """Draw documents, and for each position what comes next.

    That is `NOTHING`, which `cross_entropy` ignores, where a pattern is new, since no reader could
    tell, and after the last token.

    Args:
        generator: where the random numbers come from.
        n: how many documents.
        held_out: whether of sentences that no model was trained on.

    """
    documents = _documents(generator, n, held_out, None)
    tokens = torch.tensor([to_ids(word.word for word in document) for document in documents])
    new = torch.tensor(
        [[word.factors.get("copy") == "first" for word in document] for document in documents]
    )
    following = tokens.masked_fill(new, NOTHING).roll(-1, dims=1)
    following[:, -1] = NOTHING
    return tokens, following


def is_held_out(sentence: Sentence) -> bool:
    """Return whether no model was trained on sentences with this prompt."""
    return zlib.crc32(" ".join(sentence.prompt).encode()) % HELD_OUT == 0


def _documents(
    generator: torch.Generator, n: int, held_out: bool | None, kinds: Sequence[str] | None
) -> list[list[Word]]:
    known = (*SHARES, "pattern")
    kinds = known if kinds is None else tuple(kinds)
    if n < 1 or not kinds or not set(kinds) <= set(known):
        raise ValueError(
            f"sample got n={n}, kinds={list(kinds)}; expected at least one document, and kinds "
            f"among {', '.join(known)}."
        )
    seed = int(torch.randint(2**62, (), generator=generator))
    rng = random.Random(seed)
    shares = {kind: SHARES[kind] for kind in kinds if kind in SHARES}
    patterns = 0.0 if "pattern" not in kinds else PATTERNS if shares else 1.0
    return [
        _pattern(rng) if rng.random() < patterns else _text(rng, shares, held_out) for _ in range(n)
    ]


def _text(rng: random.Random, shares: dict[str, int], held_out: bool | None) -> list[Word]:
    """Return a document of sentences."""
    document = [Word(BOS_WORD, {})]
    while len(document) < N_CTX:
        kind = rng.choices(list(shares), list(shares.values()))[0]
        sentence = TEMPLATES[kind](Choices(rng.getrandbits(62)))
        if held_out is None or is_held_out(sentence) == held_out:
            document += map(Word, sentence.words, sentence.factors)
    return document[:N_CTX]


def _pattern(rng: random.Random) -> list[Word]:
    """Return a document of random words that begin again and again."""
    period = rng.randint(SHORTEST_PERIOD, LONGEST_PERIOD)
    pattern = rng.choices(WORDS[1:], k=period)
    document = [Word(BOS_WORD, {})]
    for place in range(N_CTX - 1):
        again = place >= period
        factors = {"template": "pattern", "period": str(period), "answer": NO_YES[again]}
        copy = "later" if again else "first"
        document.append(Word(pattern[place % period], factors | {"copy": copy}))
    return document
