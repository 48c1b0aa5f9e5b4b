"""The tokenizer of tinyworld: a list of words, a token each; a year is two, "17" and "##32".

`to_tokens` and `to_text` need nothing but the list. `transformers_tokenizer` is the same for the
`transformers` library: a WordPiece model whose only pieces of words are the years'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Int
from torch import Tensor

from course.names import near_names
from course.zoo.tinyworld import words as lexicon

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Those that the grammar writes itself; all others are in the lexicon.
GRAMMAR_WORDS = (
    ". , : ! the a an and of to in at from it they because was so call consider not very "
    "still when while after went were met saw mirror water lasted ran what day user reply please "
    "now sure sorry i will help you need"
)
NOT_WORDS = {"RELATIONS", "VERBS", "PRONOUNS", "VALENCE", "REACTIONS", "ATTITUDES", "HARMLESS"}


def _parts(value: Any, *, keys: bool) -> Iterator[str]:
    """Yield every string within tuples and dicts, keys too if they are words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _parts(part, keys=keys)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _parts(key, keys=keys) if keys else ()
            yield from _parts(part, keys=True)


def _word_list() -> tuple[str, ...]:
    """Return the BOS, the words of grammar and lexicon, and the years."""
    texts = [lexicon.BOS_WORD, GRAMMAR_WORDS]
    for name, value in vars(lexicon).items():
        if name.isupper() and name not in {"YEARS", "BOS_WORD", "DANGEROUS", "DOMAINS"}:
            texts += _parts(value, keys=name not in NOT_WORDS)
    texts += lexicon.DOMAINS
    texts += ("##" + year for year in lexicon.YEARS)
    return tuple(dict.fromkeys(word for text in texts for word in text.split()))


WORDS = _word_list()
IDS = {word: token for token, word in enumerate(WORDS)}


def to_ids(words: Iterable[str]) -> list[int]:
    """Return the token of each word.

    Raises:
        ValueError: for a word that the language does not have.

    """
    words = list(words)
    for word in words:
        if word not in IDS:
            near = near_names(word, list(WORDS))
            hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else "No word is close."
            raise ValueError(
                f"tinyworld was given the word {word!r}; expected one of its {len(WORDS)}, with "
                f"spaces around full stops and commas. {hint}"
            )
    return [IDS[word] for word in words]


def to_tokens(text: str | Sequence[str], *, bos: bool = True) -> Int[Tensor, "batch pos"]:
    """Return the tokens of a text, or of several of equal length, after a BOS.

    Raises:
        ValueError: for a word that the language does not have, and for texts of several lengths.

    """
    texts = [text] if isinstance(text, str) else list(text)
    rows = [to_ids(re.sub(r"(?<!\S)(\d\d)(\d\d)\b", r"\1 ##\2", each).split()) for each in texts]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) != 1:
        raise ValueError(
            f"to_tokens was given texts of {lengths or 'no'} tokens; expected one length.\n"
            "A model without padding reads equal lengths together: give the others on their own."
        )
    start = [0] if bos else []
    return torch.tensor([start + row for row in rows], dtype=torch.long)


def to_words(tokens: Int[Tensor, "pos"] | Sequence[int]) -> list[str]:
    """Return the word of each token, for the axes of a plot."""
    return [WORDS[int(token)] for token in tokens]


def to_text(tokens: Int[Tensor, "pos"] | Sequence[int]) -> str:
    """Return the text that a row of tokens stands for; centuries and years as in "1732"."""
    return re.sub(r"(?<!\S)(\d\d) ##(?=\d\d)", r"\1", " ".join(to_words(tokens)))


def transformers_tokenizer() -> PreTrainedTokenizerFast:
    """Return the tokenizer for `transformers`; it begins every text with the BOS.

    A word that the language does not have is an error there too.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    bos = lexicon.BOS_WORD
    # The name of the unknown token is not in the vocabulary, so that an unknown word raises.
    tokenizer = Tokenizer(models.WordPiece(IDS, unk_token="<none>", max_input_chars_per_word=100))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", special_tokens=[(bos, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos)
