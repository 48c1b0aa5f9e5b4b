"""How a sentence is put together: choices that can be fixed, and words that carry what is known.

Everything that the grammar leaves open is drawn through `Choices`, in the same order whatever
the outcome. So two sentences that start from the same seed and differ in one fixed choice differ
in what that choice decides and in nothing else: that is a minimal pair.

The factors of a word, each from where a reader knows it to the end of the sentence:

    template, form          the kind of sentence and its form, the same for all its words
    role, answer            the word's own: what it does; whether those before decide it
    number, attractors      of the subject; how many nouns since have another number
    entity, relation, value the person, once both words of the name are read; what is told; the fact
    subject, object, gender first names: who acts, who is acted on; the gender of the first
    century, year           in which something began
    negated, quality        whether there is a "not"; what something is, all told
    sentiment               of the sentence, all told: "not charming" is negative
    polite, action, topic   of a request, and the topic's domain
    dangerous, refused      whether the topic is dangerous; whether the request will be refused
    period, copy            of a pattern: its length; whether it is new or comes again
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from course.zoo.tinyworld.words import (
    CENTURIES,
    DOMAINS,
    FIRST_NAMES,
    OPPOSITES,
    PEOPLE,
    RELATIONS,
    RISKY_ACTIONS,
    SAFE_ACTIONS,
    VALENCE,
    YEARS,
)

NONE = "none"
NO_YES = ("no", "yes")
FACTORS: dict[str, tuple[str, ...]] = {
    name: (NONE, *values)
    for name, values in {
        "template": (
            "agreement",
            "fact",
            "giving",
            "pronoun",
            "year",
            "negation",
            "sentiment",
            "request",
            "pattern",
        ),
        "role": (
            "subject",
            "attractor",
            "verb",
            "predicate",
            "first word of a name",
            "last word of a name",
            "relation",
            "value",
            "giver",
            "receiver",
            "gift",
            "place",
            "pronoun",
            "century",
            "start year",
            "end year",
            "polarity",
            "quality",
            "evaluation",
            "reaction",
            "courtesy",
            "action",
            "topic",
            "reply",
            "need",
            "full stop",
        ),
        "form": ("forwards", "backwards", "mirror", "meeting", "review", "opinion", "day"),
        "answer": NO_YES,
        "number": ("singular", "plural"),
        "attractors": ("0", "1", "2"),
        "entity": tuple(PEOPLE),
        "relation": tuple(RELATIONS),
        "value": tuple(dict.fromkeys(value for facts in PEOPLE.values() for value in facts)),
        "subject": FIRST_NAMES,
        "object": FIRST_NAMES,
        "gender": ("female", "male"),
        "century": CENTURIES,
        "year": YEARS,
        "negated": NO_YES,
        "quality": tuple(OPPOSITES),
        "sentiment": tuple(VALENCE),
        "polite": NO_YES,
        "action": RISKY_ACTIONS + tuple(SAFE_ACTIONS),
        "topic": tuple(DOMAINS),
        "domain": tuple(dict.fromkeys(DOMAINS.values())),
        "dangerous": NO_YES,
        "refused": NO_YES,
        "period": tuple(str(period) for period in range(5, 21)),
        "copy": ("first", "later"),
    }.items()
}

T = TypeVar("T")


class Choices:
    """Draw what the grammar leaves open, unless it is fixed.

    Args:
        seed: of everything that is drawn.
        fixed: outcomes by the name of the choice.

    """

    def __init__(self, seed: int, fixed: Mapping[str, Any] | None = None) -> None:
        self._random = random.Random(seed)
        self._fixed = dict(fixed or {})
        self.made: dict[str, Any] = {}

    def choose(self, name: str, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """Return one of the options.

        Raises:
            ValueError: when the choice is fixed to something that is not among them.

        """
        drawn = self._random.choices(options, weights)[0]
        outcome = self._fixed.get(name, drawn)
        if outcome not in options:
            raise ValueError(
                f"The choice {name!r} was fixed to {outcome!r}; expected one of "
                f"{', '.join(map(repr, options))}.\nIt may be misspelt, or impossible here."
            )
        self.made[name] = outcome
        return outcome

    def yes_or_no(self, name: str, probability: float) -> bool:
        """Return True with this probability."""
        return self.choose(name, (False, True), (1 - probability, probability))


class Sentence:
    """Words in a row, each with its factors: what is known to a reader who has come that far.

    All words have the kind of sentence that they are in, and its form if it has several.

    Attributes:
        words: so far.
        factors: of each word, by name; a factor that is not there does not apply yet.
        asked: where the first answer stands: the word that all before it decides.

    """

    def __init__(self, template: str, form: str = NONE) -> None:
        self.words: list[str] = []
        self.factors: list[dict[str, str]] = []
        self.asked: int | None = None
        self._known = {"template": template, "form": form}

    def say(self, text: str, role: str = NONE, *, answer: bool = False, **learnt: str) -> None:
        """Add words.

        Args:
            text: one or more words.
            role: what they do in the sentence; it is theirs alone.
            answer: whether the words before decide this one, or the kind of word it must be.
            learnt: factors that are known from here to the sentence's end.

        """
        self._known |= learnt
        for word in text.split():
            if answer and self.asked is None:
                self.asked = len(self.words)
            self.words.append(word)
            own = {"role": role, "answer": NO_YES[answer]}
            self.factors.append({**self._known, **own})

    def stop(self) -> Sentence:
        """Add the full stop and return the sentence."""
        self.say(".", "full stop")
        return self

    @property
    def prompt(self) -> list[str]:
        """The words before the first answer."""
        return self.words[: self.asked]
