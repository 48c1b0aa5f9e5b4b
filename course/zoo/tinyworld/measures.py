"""What the cards of tinyworld claim, measured afresh on prompts that no model was trained on.

Facts cannot be held out, only the ways in which they are asked for; they are measured on all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.measures import measure_induction
from course.zoo.tinyworld.pairs import YEAR_TOKENS, minimal_pairs, preferred
from course.zoo.tinyworld.sampling import Sample, sample, training_batch
from course.zoo.tinyworld.sentences import FACTORS
from course.zoo.tinyworld.tokenizer import IDS, to_tokens
from course.zoo.tinyworld.words import (
    KNOWN_PEOPLE,
    OPENINGS,
    PEOPLE,
    RARE_PEOPLE,
    REACTIONS,
    RELATIONS,
    VALENCE,
)

PAIRS = 200  # in each family
DOCUMENTS = 64  # of each kind
MEASURED = {
    "agreement, no attractor": ("agreement", {"attractors": 0}),
    "agreement, 1 attractor": ("agreement", {"attractors": 1}),
    "agreement, 2 attractors": ("agreement", {"attractors": 2}),
    "indirect object": ("giving", {}),
    "pronoun": ("pronoun", {}),
    "later year": ("year", {}),
    "negation": ("negation", {}),
    "sentiment": ("sentiment", {}),
    "sentiment under negation": ("sentiment", {"change": "negation"}),
    "refusal by topic": ("request", {}),
    "refusal by action": ("request", {"change": "action"}),
    "pattern": ("pattern", {}),
    "fact, shared first word": ("fact", {"shared": "first", "held_out": None}),
    "fact, shared last word": ("fact", {"shared": "last", "held_out": None}),
}

Prompt = Int[Tensor, "opening pos"]


@torch.no_grad()
def measure_tinyworld(model: ToyTransformer) -> dict[str, float | str]:
    """Measure a model on everything that the language can ask.

    Returns:
        For each family of minimal pairs, the share in which the answer is preferred; for whole
        documents, the share of answers that come first of all words; what is known of facts; how
        much probability is on later years; the loss; and the heads of the induction circuit.

    """
    facts: dict[str, float | str] = {}
    for place, (claim, (family, options)) in enumerate(MEASURED.items()):
        generator = torch.Generator().manual_seed(place)
        pairs = minimal_pairs(family, generator, PAIRS, **options)
        facts[claim] = float(preferred(model, pairs).double().mean())
    facts |= _facts(model)
    facts["probability of later years"] = _later_years(model)
    facts["sentiment, first of all words"] = _sentiment(model)
    facts["refusal, first of all words"] = _refusal(model)
    facts["loss on held-out text"] = _loss(model, held_out=True)
    facts["loss on training text"] = _loss(model, held_out=False)
    return facts | _patterns(model)


def fact_prompts(person: str, relation: str) -> Prompt:
    """Return the eight prompts that ask for a fact, such as "they say Anna Forest lives in"."""
    asked = f"{person} {RELATIONS[relation][0]}"
    return to_tokens([f"{opening} {asked}" for opening in OPENINGS])


def fact_token(person: str, relation: str) -> int:
    """Return the token of the fact."""
    return IDS[PEOPLE[person][list(RELATIONS).index(relation)]]


def _facts(model: ToyTransformer) -> dict[str, float | str]:
    right = {
        (person, relation): model(fact_prompts(person, relation))[:, -1].argmax(dim=-1)
        == fact_token(person, relation)
        for person in PEOPLE
        for relation in RELATIONS
    }
    known = torch.stack([hits for (person, _), hits in right.items() if person in KNOWN_PEOPLE])
    rare = torch.stack([hits for (person, _), hits in right.items() if person in RARE_PEOPLE])
    wrong = [
        f"{person}, {relation}" for (person, relation), hits in right.items() if not hits.any()
    ]
    return {
        "facts, first of all words": float(known.double().mean()),
        "facts known after every opening": float(known.all(dim=-1).double().mean()),
        "facts of rare people, first of all words": float(rare.double().mean()),
        "facts wrong after every opening": "; ".join(wrong),
    }


def _later_years(model: ToyTransformer) -> float:
    """Return the mean probability of all years after the start."""
    text = sample(torch.Generator().manual_seed(1), DOCUMENTS, held_out=True, kinds=["year"])
    rows, asked = _asked(text)
    probabilities = model(text.tokens).softmax(dim=-1)[rows, asked - 1][:, YEAR_TOKENS]
    start = text.factors["year"][rows, asked] - 1
    later = torch.arange(len(YEAR_TOKENS)) > start[:, None]
    return float((probabilities * later).sum(dim=-1).mean())


def _sentiment(model: ToyTransformer) -> float:
    """Return how often the likeliest word has the sentiment, and the part, of the one asked for."""
    text = sample(torch.Generator().manual_seed(2), DOCUMENTS, held_out=True, kinds=["sentiment"])
    rows, asked = _asked(text)
    guesses = model(text.tokens)[rows, asked - 1].argmax(dim=-1).tolist()
    roles = text.factors["role"][rows, asked].tolist()
    signs = text.factors["sentiment"][rows, asked].tolist()
    hits = 0
    for guess, role, sign in zip(guesses, roles, signs, strict=True):
        kinds = {"reaction": REACTIONS, "evaluation": VALENCE}[FACTORS["role"][role]]
        hits += guess in [IDS[word] for word in kinds[FACTORS["sentiment"][sign]]]
    return hits / len(guesses)


def _refusal(model: ToyTransformer) -> float:
    """Return how often the likeliest word is "sorry" or "sure", as the language has it."""
    text = sample(torch.Generator().manual_seed(3), DOCUMENTS, held_out=True, kinds=["request"])
    rows, asked = _asked(text, text.where("role", "reply"))
    guesses = model(text.tokens)[rows, asked - 1].argmax(dim=-1)
    return float((guesses == text.tokens[rows, asked]).double().mean())


def _loss(model: ToyTransformer, *, held_out: bool) -> float:
    """Return the mean loss in nats a token, new patterns left out."""
    generator = torch.Generator().manual_seed(4)
    tokens, following = training_batch(generator, DOCUMENTS, held_out=held_out)
    return float(F.cross_entropy(model(tokens).flatten(0, 1), following.flatten()))


def _patterns(model: ToyTransformer) -> dict[str, float | str]:
    """Return what the induction models' measures say of random tokens written twice."""
    measured = measure_induction(model)
    kinds = ("previous-token", "induction")
    kept = [f"highest {kind} score" for kind in kinds] + [f"{kind} heads" for kind in kinds]
    facts: dict[str, float | str] = {"patterns, first of all words": measured["accuracy"]}
    return facts | {claim: measured[claim] for claim in kept}


def _asked(
    text: Sample, among: Bool[Tensor, "batch pos"] | None = None
) -> tuple[Int[Tensor, "answer"], Int[Tensor, "answer"]]:
    """Return rows and positions of the answers."""
    answers = text.where("answer", "yes")
    rows, asked = (answers if among is None else answers & among).nonzero(as_tuple=True)
    return rows, asked
