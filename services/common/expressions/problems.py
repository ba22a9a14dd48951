"""What can be wrong with an expression, and how large one may be: the errors and limits of the language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

TEXT_LENGTH_MAX = 10_000
TOKENS_MAX = 2_000
DEPTH_MAX = 100
NAME_LENGTH_MAX = 200
# Of so many mistakes the first are told, and of so many names the nearest is looked for.
ERRORS_MAX = 100
SUGGESTIONS_MAX = 3
_COMPARED = 24
_LIKENESS_MIN = 0.3
# At run time: characters of one text, items of one list, and steps of one evaluation (an item of a list that
# is read, or a node that is computed for a row, is one).
VALUE_LENGTH_MAX = 100_000
ITEMS_MAX = 10_000
STEPS_MAX = 50_000

Problem = dict[str, Any]


class ExpressionError(Exception):
    """Mistakes in an expression: `errors` is a list of `{"position", "code", "message", "suggestion"?}`."""

    def __init__(self, errors: list[Problem]) -> None:
        super().__init__("; ".join(str(error["message"]) for error in errors))
        self.errors = errors


def error(position: int, code: str, message: str, suggestion: str | None = None) -> Problem:
    """One mistake and its place: the offset in the text, in characters; `suggestion` says what would do."""
    found = {"position": position, "code": code, "message": message}
    return found if suggestion is None else {**found, "suggestion": suggestion}


def refuse(position: int, code: str, message: str, suggestion: str | None = None) -> ExpressionError:
    """An error to raise with a single mistake."""
    return ExpressionError([error(position, code, message, suggestion)])


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that shares most characters and pairs of them with this one; None when none is like it.

    Linear in what is known, whatever the names are: a hostile formula may ask for thousands.
    """
    wanted = _grams(name)
    best, likeness = None, _LIKENESS_MIN
    for each in known:
        grams = _grams(each)
        found = 2 * len(wanted & grams) / (len(wanted) + len(grams) or 1)
        if found > likeness:
            best, likeness = each, found
    return best


def _grams(name: str) -> set[str]:
    folded = name[:_COMPARED].lower()
    return {*folded, *map(str.__add__, folded, folded[1:])}
