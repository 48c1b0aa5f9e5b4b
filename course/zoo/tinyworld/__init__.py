"""tinyworld, the specimen of the course: a language whose every word knows what generated it.

Three models, `tinyworld`, `tinyworld_2` and `tinyworld_3`, were trained on it from three seeds.

    grammar     the language: eight kinds of sentence, and what decides their words
    words       the lexicon, and what is true of its people
    sentences   the factors that words carry
    sampling    documents, with the factors of every token; what is held out
    tokenizer   words and tokens
    pairs       minimal pairs of every kind
    training    the recipe
    measures    what is on the cards

Such a language is the counterpart of the templates in "BLiMP" (Warstadt et al. 2020), of names and
gifts in "Interpretability in the Wild" (Wang et al. 2022), of years in "How does GPT-2 compute
greater-than?" (Hanna et al. 2023), and of people and facts in "Locating and Editing Factual
Associations in GPT" (Meng et al. 2022).
"""

from course.zoo.tinyworld.measures import fact_prompts, fact_token
from course.zoo.tinyworld.pairs import (
    FAMILIES,
    YEAR_TOKENS,
    Pairs,
    answer_logit_difference,
    minimal_pairs,
    preferred,
)
from course.zoo.tinyworld.sampling import N_CTX, Sample, sample, training_batch
from course.zoo.tinyworld.sentences import FACTORS
from course.zoo.tinyworld.tokenizer import (
    IDS,
    WORDS,
    to_text,
    to_tokens,
    to_words,
    transformers_tokenizer,
)
from course.zoo.tinyworld.words import KNOWN_PEOPLE, PEOPLE, RARE_PEOPLE, RELATIONS

__all__ = [
    "FACTORS",
    "FAMILIES",
    "IDS",
    "KNOWN_PEOPLE",
    "N_CTX",
    "PEOPLE",
    "RARE_PEOPLE",
    "RELATIONS",
    "WORDS",
    "YEAR_TOKENS",
    "Pairs",
    "Sample",
    "answer_logit_difference",
    "fact_prompts",
    "fact_token",
    "minimal_pairs",
    "preferred",
    "sample",
    "to_text",
    "to_tokens",
    "to_words",
    "training_batch",
    "transformers_tokenizer",
]
