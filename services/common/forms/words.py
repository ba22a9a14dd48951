"""Full-text search without a dictionary: Chinese as pairs of characters, other scripts as words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from services.common.forms.definition import FormDefinition
from services.common.forms.types import type_of

# Han, kana and hangul are written without blanks between words.
_RUNS = re.compile(r"(?P<pairs>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+)|(?P<word>[^\W_]+)")
_WORD_LENGTH_MAX = 64
_WORDS_MAX = 5_000


def searched_text(definition: FormDefinition, values: Mapping[str, Any]) -> str:
    """What people can search a record by: the texts of its fields as they are shown."""
    parts = []
    for one in definition.searched:
        value = values.get(one.key)
        if value is not None:
            parts.append(type_of(one).to_text(value, one))
    return "\n".join(parts)


def words_of(text: str) -> list[str]:
    """The words of a text to be indexed: each once, small letters; of Chinese every character and pair."""
    found: dict[str, None] = {}
    for run, word in _RUNS.findall(text.lower()):
        if word:
            found[word[:_WORD_LENGTH_MAX]] = None
        else:
            found.update(dict.fromkeys(run))
            found.update(dict.fromkeys(map("".join, pairwise(run))))
        if len(found) >= _WORDS_MAX:
            break
    return list(found)[:_WORDS_MAX]


def vector(text: str) -> str:
    """The words as PostgreSQL reads a tsvector."""
    # Letters, digits and marks: nothing in them would have to be escaped.
    return " ".join([f"'{word}'" for word in words_of(text)])


def query(asked: str) -> str:
    """A tsquery for everything that was asked: pairs of Chinese, beginnings of words; empty for no word."""
    parts: list[str] = []
    for match in _RUNS.finditer(asked.lower()):
        run = match["pairs"]
        if run is None:
            parts.append(f"{_quoted(match['word'][:_WORD_LENGTH_MAX])}:*")
        elif len(run) == 1:
            parts.append(_quoted(run))
        else:
            parts += [_quoted(run[place : place + 2]) for place in range(len(run) - 1)]
    return " & ".join(parts)


def _quoted(word: str) -> str:
    """A word as a tsvector has it; a word of `_RUNS` has neither quotes nor backslashes."""
    return f"'{word}'"
