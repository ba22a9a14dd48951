"""What a table leaves open: cases that no row covers, rows that cover the same cases, rows that are never
reached.

Each column is cut at the values that its cells name, so that within a piece every cell holds or does not;
rows are boxes of pieces. Cells that read other fields cannot be placed; their rows are left out and named.
Null is no case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.common.decision_tables.table import Table
from services.common.expressions import Checked, compile_tree, to_json
from services.common.expressions.typed import Typed

FINDINGS_MAX = 50
_WORK_MAX = 20_000
_PAIR_ROWS_MAX = 500
_PIECES_MAX = 500_000

_OF_THE_WORLD = frozenset({"TODAY", "NOW", "LOOKUP"})

Box = tuple[frozenset[int], ...]


@dataclass
class Coverage:
    """`gaps`: for each case, by column, what no row covers; `overlaps`: pairs of row numbers and a common
    case; `unreachable`: rows that earlier ones cover (only `first`); `not_analysed`: rows that read other
    fields. `complete` is False when there was more to look at than may be."""

    gaps: list[dict[str, str]] = field(default_factory=list)
    overlaps: list[dict[str, Any]] = field(default_factory=list)
    unreachable: list[int] = field(default_factory=list)
    not_analysed: list[int] = field(default_factory=list)
    complete: bool = True


@dataclass(frozen=True)
class _Piece:
    """A part of a column's values: one value, or what lies strictly between two (None: without end)."""

    value: Any = None
    low: Any = None
    high: Any = None
    other: bool = False


def coverage(table: Table) -> Coverage:
    """The gaps and overlaps of a table."""
    found = Coverage()
    axes = [_axis(table, place) for place in range(len(table.inputs))]
    boxes: dict[int, Box] = {}
    work = _PIECES_MAX
    for number, row in enumerate(table.rows, 1):
        work -= sum(len(axis) for axis in axes)
        if work < 0:
            # What the other rows cover is not known, so nothing can be said.
            return Coverage(complete=False)
        sets = [
            _pieces_of(cell, column, axis)
            for cell, column, axis in zip(row.when, table.inputs, axes, strict=True)
        ]
        if any(each is None for each in sets):
            found.not_analysed.append(number)
        else:
            boxes[number] = tuple(each for each in sets if each is not None)
    search = _Search([range(len(axis)) for axis in axes])
    everything = tuple(frozenset(range(len(axis))) for axis in axes)
    for gap in search.uncovered(everything, list(boxes.values())):
        found.gaps.append(_described(gap, axes, table.titles))
        if len(found.gaps) >= FINDINGS_MAX:
            break
    _find_overlaps(table, boxes, axes, found)
    if table.hit == "first":
        earlier: list[Box] = []
        for number, box in boxes.items():
            if next(search.uncovered(box, earlier), None) is None and not search.exhausted:
                found.unreachable.append(number)
            earlier.append(box)
    found.complete = not search.exhausted and len(boxes) <= _PAIR_ROWS_MAX
    return found


class _Search:
    """Looks for parts of a box that no other covers; gives up after so much work."""

    def __init__(self, axes: Sequence[range]) -> None:
        self._axes = axes
        self._work = 0

    @property
    def exhausted(self) -> bool:
        """Whether it gave up."""
        return self._work > _WORK_MAX

    def uncovered(self, box: Box, others: list[Box]) -> Iterator[Box]:
        """The parts of a box, column by column."""
        yield from self._below(box, others, 0, ())

    def _below(self, box: Box, others: list[Box], column: int, chosen: Box) -> Iterator[Box]:
        self._work += 1
        if self.exhausted:
            return
        if not others:
            yield (*chosen, *box[column:])
            return
        if column == len(box):
            return
        # Pieces that the same rows cover are one case.
        groups: dict[tuple[int, ...], list[int]] = {}
        for piece in sorted(box[column]):
            rows = tuple(place for place, other in enumerate(others) if piece in other[column])
            groups.setdefault(rows, []).append(piece)
        for rows, pieces in groups.items():
            kept = [others[place] for place in rows]
            yield from self._below(box, kept, column + 1, (*chosen, frozenset(pieces)))


def _find_overlaps(table: Table, boxes: dict[int, Box], axes: list[list[_Piece]], found: Coverage) -> None:
    numbers = list(boxes)[:_PAIR_ROWS_MAX]
    for place, first in enumerate(numbers):
        for second in numbers[place + 1 :]:
            common = tuple(one & two for one, two in zip(boxes[first], boxes[second], strict=True))
            if all(common):
                case = _described(common, axes, table.titles)
                found.overlaps.append({"rows": [first, second], "case": case})
                if len(found.overlaps) >= FINDINGS_MAX:
                    return


# --- columns and their pieces ----------------------------------------------------------------------------


def _axis(table: Table, place: int) -> list[_Piece]:
    kind = table.inputs[place].type
    if kind == "bool":
        return [_Piece(value=True), _Piece(value=False)]
    cells = [row.when[place] for row in table.rows]
    named = {value for cell in cells if cell is not None for value in _constants(cell.typed, kind)}
    if kind == "text":
        return [*(_Piece(value=value) for value in sorted(named)), _Piece(other=True)]
    ends = sorted(named)
    pieces = [_Piece(high=ends[0])] if ends else [_Piece()]
    for low, high in zip(ends, [*ends, None][1:], strict=True):
        pieces += [_Piece(value=low), _Piece(low=low, high=high)]
    return pieces


def _constants(node: Typed, kind: str) -> Iterator[Any]:
    for each in node.walk():
        if each.op in _SIGNS and each.args[1].type.kind == kind and _is_constant(each.args[1]):
            value = _value(each.args[1])
            if value is not None:
                yield value


def _is_constant(node: Typed) -> bool:
    """Whether a value is the same for every record and at any time."""
    return not any(each.source or each.row or each.op in _OF_THE_WORLD for each in node.walk())


def _value(node: Typed) -> Any:
    return compile_tree(node.tree())({})


def _pieces_of(cell: Checked | None, column: Checked, axis: list[_Piece]) -> frozenset[int] | None:
    """The pieces in which a cell holds; None when it reads more than its column."""
    if cell is None:
        return frozenset(range(len(axis)))
    tests = _Tests(column)
    if not tests.is_simple(cell.typed):
        return None
    return frozenset(place for place, piece in enumerate(axis) if tests.holds(cell.typed, piece))


class _Tests:
    """Says of a piece whether a cell's condition holds in it, by the places of its ends."""

    def __init__(self, column: Checked) -> None:
        self._column = column.typed.tree()
        self._is_text = column.type == "text"
        self._constants: dict[int, Any] = {}

    def _constant(self, node: Typed) -> Any:
        """The value of a constant, computed once for all pieces."""
        if id(node) not in self._constants:
            self._constants[id(node)] = _value(node)
        return self._constants[id(node)]

    def is_simple(self, node: Typed) -> bool:
        """Whether a condition compares its column with constants, and nothing else."""
        if node.op in ("and", "or", "not"):
            return all(self.is_simple(argument) for argument in node.args)
        if node.op == "ISEMPTY":
            return self._is_column(node.args[0])
        if node.op not in _SIGNS:
            return False
        left, right = node.args
        # Texts that no cell names have no place in an order.
        ordered = self._is_text and node.op not in ("=", "<>")
        return self._is_column(left) and _is_constant(right) and not ordered

    def _is_column(self, node: Typed) -> bool:
        return bool(_plain(node.tree()) == _plain(self._column))

    def holds(self, node: Typed, piece: _Piece) -> bool:
        """Whether the condition holds for every value of the piece (it holds for all or for none)."""
        if node.op == "and":
            return all(self.holds(argument, piece) for argument in node.args)
        if node.op == "or":
            return any(self.holds(argument, piece) for argument in node.args)
        if node.op == "not":
            return not self.holds(node.args[0], piece)
        if node.op == "ISEMPTY":
            return bool(piece.value == "")
        order = _order(piece, self._constant(node.args[1]))
        return order is not None and _SIGNS[node.op](order)


_SIGNS = {
    "=": lambda order: order == 0,
    "<>": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def _order(piece: _Piece, constant: Any) -> int | None:
    """Whether a piece lies before (-1), at (0) or after (1) a constant; None beside null."""
    if constant is None:
        return None
    if piece.other:
        return 1
    if piece.value is not None:
        return int(piece.value > constant) - int(piece.value < constant)
    return -1 if piece.high is not None and piece.high <= constant else 1


def _plain(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _plain(value) for name, value in tree.items() if name != "at"}
    return [_plain(item) for item in tree] if isinstance(tree, list) else tree


# --- words -----------------------------------------------------------------------------------------------


def _described(box: Box, axes: list[list[_Piece]], titles: Sequence[str]) -> dict[str, str]:
    """A case as its cells would write it, by column."""
    return {
        title: "-" if len(pieces) == len(axis) else ", ".join(_runs(sorted(pieces), axis))
        for title, pieces, axis in zip(titles, box, axes, strict=True)
    }


def _runs(pieces: list[int], axis: list[_Piece]) -> Iterator[str]:
    start = 0
    for place in range(1, len(pieces) + 1):
        ordered = axis[pieces[start]].value is None or not isinstance(axis[pieces[start]].value, (str, bool))
        if (
            place < len(pieces)
            and pieces[place] == pieces[place - 1] + 1
            and ordered
            and not axis[pieces[start]].other
        ):
            continue
        yield _run(axis[pieces[start]], axis[pieces[place - 1]], axis)
        start = place


def _run(first: _Piece, last: _Piece, axis: list[_Piece]) -> str:
    if first.other:
        known = ", ".join(_written(piece.value) for piece in axis if not piece.other)
        return f"not({known})" if known else "-"
    low, high = (
        first.low if first.value is None else first.value,
        last.high if last.value is None else last.value,
    )
    if first is last and first.value is not None:
        return _written(first.value)
    low_closed, high_closed = first.value is not None, last.value is not None
    if low is None:
        return f"{'<=' if high_closed else '<'} {_written(high)}"
    if high is None:
        return f"{'>=' if low_closed else '>'} {_written(low)}"
    return f"{'[' if low_closed else '('}{_written(low)}..{_written(high)}{']' if high_closed else ')'}"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return str(to_json(value))
    text = str(to_json(value))
    return f'"{text}"' if isinstance(value, str) else f"#{text}#"
