"""A tree in which every node knows its type and every name its field: what SQL is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from services.common.expressions.catalogue import Field
from services.common.expressions.trees import Tree
from services.common.expressions.types import Type


@dataclass
class Typed:
    """A node. Exactly one of `op` (with `args`), `source` (a field), `row` (of a list) or neither (a
    literal).

    `columns` are the steps from the field's value, or from the row, to what is read. `row` is the path of
    the list whose rows are looked at; the `args` of a function by row are the list and what is computed
    for each row.
    """

    type: Type
    at: int = 0
    op: str = ""
    args: list[Typed] = field(default_factory=list)
    source: Field | None = None
    row: str | None = None
    columns: tuple[str, ...] = ()
    value: Any = None

    @property
    def is_literal(self) -> bool:
        """Whether this is a literal."""
        return not self.op and self.source is None and self.row is None

    @property
    def path(self) -> str:
        """The path of a field, or of a row's column, as the tree writes it."""
        start = self.row if self.row is not None else self.source.key if self.source else ""
        return ".".join([start, *self.columns])

    def walk(self) -> Iterator[Typed]:
        """This node and all below it."""
        yield self
        for argument in self.args:
            yield from argument.walk()

    def tree(self) -> Tree:
        """The plain tree: fields by their keys, dates as dates."""
        if self.op:
            return {"op": self.op, "args": [argument.tree() for argument in self.args], "at": self.at}
        if self.is_literal:
            return {"value": self.value, "type": self.type.kind, "at": self.at}
        return {"field": self.path, "at": self.at}
