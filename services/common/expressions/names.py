"""What a name means: a row's column, a field by its key or its label, or a column of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from services.common.expressions.catalogue import Catalogue, Field
from services.common.expressions.problems import SUGGESTIONS_MAX, Problem, error, nearest
from services.common.expressions.trees import Tree, position
from services.common.expressions.typed import Typed
from services.common.expressions.types import ANY, Type, column_of


class Names:
    """Resolves the names of one tree; `reads` are the paths read, `errors` the names not known."""

    def __init__(self, catalogue: Catalogue, errors: list[Problem]) -> None:
        self.catalogue = catalogue
        self.errors = errors
        self.reads: set[str] = set()
        self._rows: list[tuple[str, Type]] = []
        self._labels: dict[str, Field] | None = None
        self._suggestions = SUGGESTIONS_MAX

    @contextmanager
    def rows_of(self, listed: Typed) -> Iterator[None]:
        """While a condition is read that is computed for each row of a list.

        Of `明细.金额` as of `明细`, the rows are those of the sub-table 明细.
        """
        base, item = rows_below(listed)
        self._rows.append((base, item))
        try:
            yield
        finally:
            self._rows.pop()

    def resolve(self, tree: Tree) -> Typed:
        """The field, or the row's column, that a name means."""
        path, at = tree["field"], position(tree)
        for base, item in reversed(self._rows):
            if path == base or path.startswith(base + "."):
                columns = tuple(path[len(base) + 1 :].split(".")) if path != base else ()
                found = self._columns(item, columns, path, at)
                return Typed(found, at, row=base, columns=columns)
        source, columns = self._source(path)
        if source is None:
            return self._unknown(path, at)
        found = self._columns(source.type, columns, path, at)
        typed = Typed(found, at, source=source, columns=columns)
        self.reads.add(typed.path)
        return typed

    def nearest(self, *names: str, known: Iterable[str]) -> str | None:
        """The known name that is most like one of these; None when none is, and after a few mistakes."""
        self._suggestions -= 1
        if self._suggestions < 0:
            return None
        candidates = list(known)
        found = (nearest(name, candidates) for name in names)
        return next((each for each in found if each is not None), None)

    def _source(self, path: str) -> tuple[Field | None, tuple[str, ...]]:
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            found = self._named(".".join(parts[:length]))
            if found is not None:
                return found, tuple(parts[length:])
        return None, ()

    def _named(self, name: str) -> Field | None:
        found = self.catalogue.fields.get(name)
        return found if found is not None else self._by_label().get(name)

    def _by_label(self) -> dict[str, Field]:
        """The fields whose label is nobody else's."""
        if self._labels is None:
            pairs = [
                (label, field)
                for field in self.catalogue.fields.values()
                for label in {field.label_zh, field.label_en} - {""}
            ]
            times = Counter(label for label, _ in pairs)
            self._labels = {label: field for label, field in pairs if times[label] == 1}
        return self._labels

    def _columns(self, holder: Type, columns: tuple[str, ...], path: str, at: int) -> Type:
        for name in columns:
            found = column_of(holder, name)
            if found is None:
                known = holder.of_items.columns if holder.kind == "list" else holder.columns
                near = self.nearest(name, known=known)
                self._refuse(path, at, path[: path.rindex(name)] + near if near else None, list(known))
                return ANY
            holder = found
        return holder

    def _unknown(self, path: str, at: int) -> Typed:
        known = [*self.catalogue.fields, *self._by_label()]
        near = self.nearest(path, path.split(".")[0], known=known)
        self._refuse(path, at, near, known)
        return Typed(ANY, at)

    def _refuse(self, path: str, at: int, near: str | None, known: list[str]) -> None:
        hint = f", 是否为 {near}" if near else ""
        suggestion = near or (f"可用的字段: {', '.join(known[:5])}" if known else "这里没有可用的字段")
        self.errors.append(error(at, "unknown_field", f"未知的字段 {path[:60]}{hint}", suggestion))


def rows_below(listed: Typed) -> tuple[str, Type]:
    """The path of the rows of a list, and what a row is.

    A column of a sub-table is looked at row by row of the sub-table, so that conditions may read other
    columns.
    """
    if listed.source is None or not listed.columns:
        return listed.path, listed.type.of_items
    holder, path = listed.source.type, listed.source.key
    for name in listed.columns:
        if holder.kind == "list":
            return path, holder.of_items
        holder, path = column_of(holder, name) or ANY, f"{path}.{name}"
    return path, holder.of_items
