"""A decision table: what its definition must be, and what it decides for a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from services.common.decision_tables.cells import condition
from services.common.expressions import (
    Catalogue,
    Checked,
    Compiled,
    ExpressionError,
    Fields,
    Tree,
    World,
    check,
    compile_tree,
    parse,
    to_text,
    trees,
)
from services.common.expressions.problems import Problem, error
from services.common.expressions.types import SCALARS, declared

HITS = ("first", "collect", "max", "min")
ROWS_MAX = 2_000
COLUMNS_MAX = 50
CELLS_MAX = 10_000
_ORDERED = ("number", "date", "datetime")
_NOWHERE = World()


@dataclass(frozen=True)
class Row:
    """A row: its condition on each input (None: anything) and its outputs, as checked trees."""

    when: tuple[Checked | None, ...]
    then: tuple[Checked, ...]


@dataclass(frozen=True)
class Outcome:
    """What was decided: the numbers of the rows that were taken, from 1, and their outputs by key."""

    rows: tuple[int, ...]
    values: tuple[dict[str, Any], ...]

    @property
    def value(self) -> dict[str, Any] | None:
        """The outputs of the row that was taken; None when no row holds."""
        return self.values[0] if self.values else None


@dataclass
class Table:
    """A checked table. `inputs` are its columns' expressions, `outputs` the keys of what it gives."""

    hit: str
    inputs: tuple[Checked, ...]
    titles: tuple[str, ...]
    outputs: tuple[str, ...]
    rows: tuple[Row, ...]
    _compiled: list[tuple[Compiled, list[Compiled]]] = field(default_factory=list, repr=False)

    @property
    def reads(self) -> list[str]:
        """The paths of all fields that the table reads."""
        parts = [*self.inputs, *(part for row in self.rows for part in (*row.when, *row.then) if part)]
        return sorted({path for part in parts for path in part.reads})

    def decide(self, record: Mapping[str, Any], world: World = _NOWHERE) -> Outcome:
        """The outcome for a record by the table's hit policy; `ExpressionError` as `Compiled`.

        `first` takes the first row that holds, `collect` all of them, `max` and `min` the one whose first
        output is the largest or the smallest (rows without a value stay out; of equal ones the first).
        """
        found = self._holding(record, world)
        if self.hit in ("first", "collect"):
            taken = found if self.hit == "collect" else [row for _, row in zip(range(1), found, strict=False)]
            return _outcome((place, self._values(place, record, world)) for place in taken)
        valued = [(place, self._values(place, record, world)) for place in found]
        valued = [pair for pair in valued if pair[1][self.outputs[0]] is not None]
        pick: Callable[..., Any] = max if self.hit == "max" else min
        best = pick(valued, key=lambda pair: pair[1][self.outputs[0]], default=None)
        return _outcome([] if best is None else [best])

    def _holding(self, record: Mapping[str, Any], world: World) -> Iterator[int]:
        for place, (holds, _) in enumerate(self._made()):
            if holds(record, world) is True:
                yield place

    def _values(self, place: int, record: Mapping[str, Any], world: World) -> dict[str, Any]:
        _, outputs = self._made()[place]
        return {key: output(record, world) for key, output in zip(self.outputs, outputs, strict=True)}

    def _made(self) -> list[tuple[Compiled, list[Compiled]]]:
        if not self._compiled:
            self._compiled = [
                (_row_condition(row), [compile_tree(c.tree) for c in row.then]) for row in self.rows
            ]
        return self._compiled


def _outcome(taken: Any) -> Outcome:
    pairs = list(taken)
    return Outcome(tuple(place + 1 for place, _ in pairs), tuple(values for _, values in pairs))


def _row_condition(row: Row) -> Compiled:
    conditions = [cell.tree for cell in row.when if cell is not None]
    return compile_tree(trees.group("and", conditions) if conditions else trees.literal(True, "bool"))


def check_table(received: Any, catalogue: Catalogue | Mapping[str, Any]) -> Table:
    """A table ready to be kept; `ExpressionError` names every mistake, in cells by `row` and `column`.

    `{"hit": "first", "inputs": [{"expression": "amount", "title"?}], "outputs": [{"key": "limit", "type":
    "number"}], "rows": [{"when": [">= 5"], "then": ["100"]}]}`; inputs and outputs are expressions as text,
    rows are numbered from 1, columns are named by their title or key.
    """
    return _Reader(Fields(catalogue) if isinstance(catalogue, Mapping) else catalogue).read(received)


class _Reader:
    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.errors: list[Problem] = []
        # Columns say the same in many rows.
        self._known: dict[tuple[str, str], Checked | None] = {}

    def read(self, received: Any) -> Table:
        inputs, outputs, rows = self._shape(received)
        checked = [self._input(column, place) for place, column in enumerate(inputs)]
        titles = [str(column.get("title") or column.get("expression")) for column in inputs]
        kinds = [self._output(column, place) for place, column in enumerate(outputs)]
        keys = [str(column.get("key")) for column in outputs]
        if len(set(keys)) < len(keys):
            self._fault("outputs", "key_twice", "输出列的 key 重复", "每个输出列使用不同的 key")
        hit = received.get("hit", "first")
        if hit in ("max", "min") and kinds and kinds[0] not in _ORDERED:
            self._fault(
                "hit", "wrong_type", f"命中策略 {hit} 的第一个输出列应为数字或日期", "改用 first 或 collect"
            )
        self._raise()
        found = [self._row(row, number, checked, titles, keys, kinds) for number, row in enumerate(rows, 1)]
        self._raise()
        return Table(
            hit, tuple(c for c in checked if c), tuple(titles), tuple(keys), tuple(r for r in found if r)
        )

    def _raise(self) -> None:
        if self.errors:
            raise ExpressionError(self.errors)

    def _fault(self, place: str, code: str, message: str, suggestion: str) -> None:
        self.errors.append({**error(0, code, message, suggestion), "field": place})

    def _shape(self, received: Any) -> tuple[list[Any], list[Any], list[Any]]:
        if not isinstance(received, Mapping):
            self._fault("", "malformed", "决策表应为对象", "给出 hit、inputs、outputs 与 rows")
            self._raise()
        parts = [received.get(name) for name in ("inputs", "outputs", "rows")]
        for name, part, most in zip(
            ("inputs", "outputs", "rows"), parts, (COLUMNS_MAX, COLUMNS_MAX, ROWS_MAX), strict=True
        ):
            if not isinstance(part, list) or not part or not all(isinstance(each, Mapping) for each in part):
                self._fault(name, "malformed", f"{name} 应为至少一项的列表", "补全决策表")
            elif len(part) > most:
                self._fault(name, "too_large", f"{name} 最多 {most} 项", "拆成几张决策表")
        widths = [len(part) if isinstance(part, list) else 0 for part in parts]
        cells = (widths[0] + widths[1]) * widths[2]
        if cells > CELLS_MAX:
            self._fault("rows", "too_large", f"决策表最多 {CELLS_MAX} 个单元格", "拆成几张决策表")
        if received.get("hit", "first") not in HITS:
            self._fault("hit", "unknown_hit", "未知的命中策略", f"应为 {', '.join(HITS)}")
        self._raise()
        inputs, outputs, rows = (list(part or ()) for part in parts)
        return inputs, outputs, rows

    def _input(self, column: Mapping[str, Any], place: int) -> Checked | None:
        with_place = f"inputs.{place}"
        written = column.get("expression")
        checked: Checked | None = self._tried(
            lambda: check(parse(_text(written)), self.catalogue), field=with_place
        )
        if checked is not None and checked.type not in SCALARS:
            self._fault(with_place, "wrong_type", "输入列应为单个值", "用 SUM、FIRST 等把列表变为一个值")
        return checked

    def _output(self, column: Mapping[str, Any], place: int) -> str:
        with_place = f"outputs.{place}"
        if not isinstance(column.get("key"), str) or not column["key"]:
            self._fault(with_place, "malformed", "输出列需要一个文本 key", "给出 key")
        kind = self._tried(lambda: declared(column.get("type")), field=with_place)
        if kind is not None and kind.kind not in SCALARS:
            self._fault(
                with_place, "wrong_type", "输出列应为单个值的类型", f"应为 {', '.join(sorted(SCALARS))}"
            )
        return kind.kind if kind is not None else "any"

    def _row(
        self,
        row: Mapping[str, Any],
        number: int,
        inputs: Sequence[Checked | None],
        titles: Sequence[str],
        keys: Sequence[str],
        kinds: Sequence[str],
    ) -> Row | None:
        before = len(self.errors)
        when, then = row.get("when"), row.get("then")
        if (
            not isinstance(when, list)
            or not isinstance(then, list)
            or (len(when), len(then)) != (len(inputs), len(keys))
        ):
            message = f"第 {number} 行应有 {len(inputs)} 个条件与 {len(keys)} 个输出"
            self.errors.append({**error(0, "malformed", message, "补全这一行"), "row": number})
            return None
        conditions = [
            self._tried(partial(self._cell, cell, column), row=number, column=title)
            for cell, column, title in zip(when, inputs, titles, strict=True)
        ]
        values = [
            self._tried(partial(self._value, cell, kind), row=number, column=key)
            for cell, key, kind in zip(then, keys, kinds, strict=True)
        ]
        if len(self.errors) > before:
            return None
        return Row(tuple(conditions), tuple(value for value in values if value is not None))

    def _cell(self, cell: Any, column: Checked | None) -> Checked | None:
        subject: Tree = trees.without_positions(column.tree) if column else trees.literal(None, "null")
        key = (to_text(subject), _text(cell))
        if key not in self._known:
            found = condition(_text(cell), subject)
            self._known[key] = None if found is None else check(found, self.catalogue, "bool")
        return self._known[key]

    def _value(self, cell: Any, kind: str) -> Checked:
        return check(parse(_text(cell)), self.catalogue, kind)

    def _tried(self, make: Callable[[], Any], **place: Any) -> Any:
        """What `make` makes; None when it is refused, the mistakes noted with their place in the table."""
        try:
            return make()
        except ExpressionError as problem:
            where = f"第 {place['row']} 行 {place['column']}: " if "row" in place else ""
            self.errors += [{**each, "message": where + each["message"], **place} for each in problem.errors]
            return None


def _text(cell: Any) -> str:
    if not isinstance(cell, str) or not cell.strip():
        raise ExpressionError([error(0, "unreadable_cell", "单元格应为文本", '任意值写作 -, 文本写作 "A"')])
    return cell
