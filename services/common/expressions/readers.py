"""How fields are read from a record, and the columns of a row from the row that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.common.expressions.problems import ITEMS_MAX, refuse
from services.common.expressions.world import Run

Read = Callable[[Any, Run], Any]
_AS_THEY_ARE = frozenset({Decimal, str, bool, type(None), date, datetime})


@dataclass(frozen=True)
class Scope:
    """Where names are looked up: the record, or a row of the list at `base` inside the scope `outer`.

    Of a row's scope, what closures get as their record is the pair (what the outer ones get, the row).
    """

    base: str = ""
    outer: Scope | None = None


def reader(path: str, scope: Scope) -> Read:
    """What reads a path in a scope."""
    if scope.outer is None:
        return _record_reader(path)
    if path == scope.base:
        return lambda pair, run: value(pair[1], run)
    outer = reader(path, scope.outer)
    if path.startswith(scope.base + "."):
        return _row_reader(path[len(scope.base) + 1 :].split("."), outer)
    return lambda pair, run: outer(pair[0], run)


def _row_reader(steps: list[str], outer: Read) -> Read:
    first = steps[0]

    def read(pair: Any, run: Run) -> Any:
        row = pair[1]
        if isinstance(row, _Item) and first not in row:
            return outer(pair[0], run)
        return _follow(row, steps, run)

    return read


def rows_reader(path: str, scope: Scope) -> tuple[Read, Callable[[Any], Any], Scope]:
    """What reads the rows of a list, what makes of a row the item that the path means, and the rows' scope.

    Of `明细.金额` the rows are those of 明细, and the item is the row's 金额; of 明细 the item is the row.
    """
    base, dot, column = path.rpartition(".")
    if not dot or _is_row_of(path, scope):
        return reader(path, scope), _plain, Scope(path, scope)
    whole, holder = reader(path, scope), reader(base, scope)

    def rows(record: Any, run: Run) -> Any:
        found = holder(record, run)
        return found if isinstance(found, list) else _as_rows(whole(record, run), column)

    def item_of(row: Any) -> Any:
        return _plain(row.get(column)) if isinstance(row, Mapping) else None

    return rows, item_of, Scope(base, scope)


def _is_row_of(path: str, scope: Scope) -> bool:
    return scope.outer is not None and path == scope.base


class _Item(dict[str, Any]):
    """An item of a list of values, as a row of one column; the record's others stay visible."""


def _as_rows(items: Any, column: str) -> list[Any]:
    return [_Item({column: item}) for item in items or ()]


def _record_reader(path: str) -> Read:
    steps = path.split(".")
    if len(steps) == 1:

        def read(record: Mapping[str, Any], run: Run) -> Any:
            found = record.get(path)
            return found if type(found) in _AS_THEY_ARE else value(found, run)

        return read

    def follow(record: Mapping[str, Any], run: Run) -> Any:
        if path in record:
            return value(record[path], run)
        return _follow(record, steps, run)

    return follow


def _follow(found: Any, steps: list[str], run: Run) -> Any:
    for number, step in enumerate(steps):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list):
            rest = steps[number:]
            run.charge(len(found))
            return [_follow(item, rest, run) for item in _bounded(found)]
        else:
            return None
    return value(found, run)


def value(found: Any, run: Run) -> Any:
    """What a record holds, as a value of the language."""
    if isinstance(found, list):
        run.charge(len(found))
        return [_plain(item) for item in _bounded(found)]
    return _plain(found)


def _plain(found: Any) -> Any:
    if type(found) in _AS_THEY_ARE or isinstance(found, (Mapping, list)):
        return found
    if isinstance(found, int):
        return Decimal(found)
    raise TypeError(f"{type(found)} is no value of the language")


def _bounded(items: list[Any]) -> list[Any]:
    if len(items) > ITEMS_MAX:
        raise refuse(0, "list_too_large", f"列表最多 {ITEMS_MAX} 项", "减少明细的行数")
    return items
