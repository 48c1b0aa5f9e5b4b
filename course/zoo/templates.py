"""Written languages whose sentences differ only in the words of their slots.

Every factor of such a sentence is known, and a whole language can be enumerated. A question about
what a model does can then be answered by asking it everything, and a counterfactual is the same
sentence with one word exchanged ("Learning the Difference that Makes a Difference with
Counterfactually-Augmented Data", Kaushik et al. 2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course.model import ToyTransformer
from course.names import near_names
from course.zoo.repeated import BOS

BOS_WORD = "<bos>"
Factors = dict[str, Int[Tensor, "prompt"]]


class Template:
    """Sentences that differ only in the words of their slots.

    The words of a slot come in pairs of partners, the first with the second, the third with the
    fourth: `swap` exchanges partners. A factor is the index of a word in its slot.

    Attributes:
        text: the sentence; `{day}` stands for the slot `day`.
        slots: the words of each slot; slots may share a tuple of words.
        answers: the words with which a model may reply.
        words: the vocabulary, one word a token; id 0 is the BOS.

    Raises:
        ValueError: for a slot with an odd number of words.

    """

    def __init__(
        self, text: str, slots: Mapping[str, Sequence[str]], answers: Sequence[str]
    ) -> None:
        self.text, self.answers = text, tuple(answers)
        self.slots = {name: tuple(words) for name, words in slots.items()}
        if odd := [name for name, words in self.slots.items() if len(words) % 2]:
            raise ValueError(f"Template got an odd number of words for {odd}; expected partners.")
        self._places = text.split()
        fixed = [word for word in self._places if not word.startswith("{")]
        inside = [word for words in self.slots.values() for word in words]
        self.words = tuple(dict.fromkeys([BOS_WORD, *fixed, *inside, *self.answers]))
        self._ids = {word: token for token, word in enumerate(self.words)}

    def encode(self, text: str) -> Int[Tensor, "pos"]:
        """Return the token ids of words parted by spaces, without a BOS.

        Raises:
            ValueError: for a word that the language does not have.

        """
        return torch.tensor([self._id(word) for word in text.split()], dtype=torch.int64)

    def decode(self, tokens: Int[Tensor, "pos"]) -> str:
        """Return the words of one sequence of token ids, parted by spaces.

        Raises:
            ValueError: for more than one sequence, or an id that the language does not have.

        """
        ids = tokens.tolist()
        if tokens.ndim != 1 or not all(0 <= token < len(self.words) for token in ids):
            raise ValueError(
                f"decode got tokens of shape {tuple(tokens.shape)}; expected one sequence (pos) of "
                f"ids from 0 to {len(self.words) - 1}.\nFor a batch, decode each row."
            )
        return " ".join(self.words[token] for token in ids)

    def position(self, slot: str) -> int:
        """Return where in the token sequence a slot is; the BOS is at 0.

        Raises:
            ValueError: for a slot that the language does not have.

        """
        self._check_slots([slot])
        return 1 + self._places.index(f"{{{slot}}}")

    def every(self) -> Factors:
        """Return the factors of every sentence of the language, the last slot changing fastest."""
        sizes = [torch.arange(len(words)) for words in self.slots.values()]
        grid = torch.meshgrid(*sizes, indexing="ij")
        return {slot: axis.flatten() for slot, axis in zip(self.slots, grid, strict=True)}

    def sample(self, n: int, generator: torch.Generator | None = None) -> Factors:
        """Draw the factors of n sentences, every word of a slot equally often.

        Raises:
            ValueError: for less than one sentence.

        """
        if n < 1:
            raise ValueError(f"sample got n={n}; expected at least one sentence.")
        return {
            slot: torch.randint(len(words), (n,), generator=generator)
            for slot, words in self.slots.items()
        }

    def tokens(self, factors: Factors) -> Int[Tensor, "prompt pos"]:
        """Write sentences down: token ids after a BOS, all of one length.

        Raises:
            ValueError: unless each slot has a factor, all of one length and within the slot.

        """
        self._check_factors(factors)
        n = len(next(iter(factors.values())))
        columns = [torch.full((n,), BOS)]
        for place in self._places:
            slot = place.strip("{}")
            if place.startswith("{"):
                columns.append(self._slot_ids(slot)[factors[slot]])
            else:
                columns.append(torch.full((n,), self._ids[place]))
        return torch.stack(columns, dim=1)

    def factors(self, tokens: Int[Tensor, "prompt pos"]) -> Factors:
        """Read the factors of sentences off their tokens, the inverse of `tokens`.

        Raises:
            ValueError: for tokens that are not sentences of the language.

        """
        expected = f"expected sentences of the form '{BOS_WORD} {self.text}'"
        if tokens.ndim != 2 or tokens.shape[1] != 1 + len(self._places):
            raise ValueError(
                f"factors got tokens of shape {tuple(tokens.shape)}; {expected}, shape (prompt, "
                f"{1 + len(self._places)}).\nA model's reply is not part of a prompt: cut it off."
            )
        matches = {
            slot: tokens[:, self.position(slot), None] == self._slot_ids(slot)
            for slot in self.slots
        }
        found = {slot: match.long().argmax(dim=1) for slot, match in matches.items()}
        if not torch.equal(self.tokens(found), tokens):
            row = int((self.tokens(found) != tokens).any(dim=1).nonzero()[0])
            raise ValueError(
                f"factors got a row {row} that does not fit the template; {expected}.\n"
                "They may be of another language, or a slot may hold a word of another slot."
            )
        return found

    def swap(self, tokens: Int[Tensor, "prompt pos"], *slots: str) -> Int[Tensor, "prompt pos"]:
        """Exchange the words of some slots with their partners; all else stays as it is.

        Raises:
            ValueError: for no slot, an unknown one, or tokens that are not sentences.

        """
        self._check_slots(slots)
        factors = self.factors(tokens)
        return self.tokens({s: f ^ 1 if s in slots else f for s, f in factors.items()})

    def replace(self, tokens: Int[Tensor, "prompt pos"], **words: str) -> Int[Tensor, "prompt pos"]:
        """Put a word into a slot of every sentence: `replace(tokens, day="monday")`.

        Raises:
            ValueError: for an unknown slot, a word that is not one of the slot's, or tokens that
                are not sentences.

        """
        self._check_slots(list(words))
        factors = self.factors(tokens)
        for slot, word in words.items():
            if word not in self.slots[slot]:
                raise ValueError(
                    f"replace got {slot}={word!r}; expected one of {', '.join(self.slots[slot])}."
                )
            factors[slot] = torch.full_like(factors[slot], self.slots[slot].index(word))
        return self.tokens(factors)

    def _slot_ids(self, slot: str) -> Int[Tensor, "word"]:
        return torch.tensor([self._ids[word] for word in self.slots[slot]])

    def _id(self, word: str) -> int:
        if word not in self._ids:
            near = near_names(word, list(self._ids))
            means = f"Did you mean {' or '.join(map(repr, near))}?" if near else "None is close."
            raise ValueError(f"This language has no word {word!r}. {means}\nWords are `.words`.")
        return self._ids[word]

    def _check_slots(self, slots: Sequence[str]) -> None:
        unknown = [slot for slot in slots if slot not in self.slots]
        if unknown or not slots:
            raise ValueError(
                f"Got the slots {list(slots)}; expected some of {', '.join(self.slots)}."
            )

    def _check_factors(self, factors: Factors) -> None:
        lengths = {slot: len(values) for slot, values in factors.items()}
        if factors.keys() != self.slots.keys() or len(set(lengths.values())) != 1:
            raise ValueError(
                f"Got factors of lengths {lengths}; expected equal lengths for all of "
                f"{', '.join(self.slots)}."
            )
        for slot, values in factors.items():
            size = len(self.slots[slot])
            if len(values) and not (int(values.min()) >= 0 and int(values.max()) < size):
                raise ValueError(
                    f"Got factors of {slot!r} from {int(values.min())} to {int(values.max())}; "
                    f"expected 0 to {size - 1}, the indices of its words."
                )


@torch.no_grad()
def last_logits(
    model: ToyTransformer, tokens: Int[Tensor, "prompt pos"], batch: int = 2048
) -> Float[Tensor, "prompt d_vocab"]:
    """Return the logits after the last token of each prompt, computed `batch` prompts at a time.

    Raises:
        ValueError: for no prompts, or tokens that the model cannot read.

    """
    if not len(tokens):
        raise ValueError("last_logits got no prompts; expected at least one.")
    parts = math.ceil(len(tokens) / batch)
    return torch.cat([model(part)[:, -1] for part in tokens.chunk(parts)])


def replies(
    model: ToyTransformer, tokens: Int[Tensor, "prompt pos"], batch: int = 2048
) -> Int[Tensor, "prompt"]:
    """Return the token with which a model replies to each prompt: the likeliest of all.

    Raises:
        ValueError: for no prompts, or tokens that the model cannot read.

    """
    return last_logits(model, tokens, batch).argmax(dim=-1)
