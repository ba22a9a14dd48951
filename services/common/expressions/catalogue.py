"""Which fields an expression may read: the interface that forms, facts and report dimensions implement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from services.common.expressions.problems import ExpressionError, Problem, error
from services.common.expressions.trees import Tree, position, walk
from services.common.expressions.types import Type, declared

FIELDS_MAX = 2_000


@dataclass(frozen=True)
class Field:
    """A field. `key` is its name for ever; labels are what people read and may write.

    `unit` is what its number counts (a currency, `%`, `天`); `path` are the steps from the record to its
    value, its key alone unless told otherwise.
    """

    key: str
    type: Type
    label_zh: str = ""
    label_en: str = ""
    unit: str = ""
    path: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps from the record to the value."""
        return self.path or (self.key,)


def field(key: str, type: str, label_zh: str, label_en: str = "", unit: str = "") -> Field:
    """A field of a type that has a name, see `types.declared`."""
    return Field(key, declared(type), label_zh, label_en, unit)


class Catalogue(Protocol):
    """What knows the fields."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields by their keys."""
        ...

    def lookup(self, form: str, column: str) -> Type | None:
        """The type of another form's column as `LOOKUP` reads it; None when there is no such column."""
        ...


class Fields:
    """A catalogue from plain declarations.

    `declarations` maps keys to a `Field` or to a type, see `types.declared`; `forms` maps the forms that
    `LOOKUP` may read to their columns. Without `forms`, every column of every form is taken to exist.
    """

    def __init__(
        self, declarations: Mapping[str, Any], forms: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        if len(declarations) > FIELDS_MAX:
            raise ExpressionError([error(0, "too_many_fields", f"字段最多 {FIELDS_MAX} 个", "减少字段")])
        self.fields: Mapping[str, Field] = {
            key: written if isinstance(written, Field) else Field(key, declared(written))
            for key, written in declarations.items()
        }
        self._forms = forms

    def lookup(self, form: str, column: str) -> Type | None:
        """The type of another form's column; None when there is no such column."""
        if self._forms is None:
            return declared("any")
        found = self._forms.get(form, {}).get(column)
        return None if found is None else declared(found)


def labels(catalogue: Catalogue, language: str = "zh") -> dict[str, str]:
    """The label of each field that has one, for `to_text`."""
    pairs = {
        key: field.label_zh if language == "zh" else field.label_en for key, field in catalogue.fields.items()
    }
    return {key: label for key, label in pairs.items() if label}


def computing_order(computed: Mapping[str, Tree]) -> list[str]:
    """The order in which computed fields can be computed: each after those that it reads.

    `ExpressionError` names each field of a cycle, with the place where it reads the next one.
    """
    reads = {key: _reads(tree, computed) for key, tree in computed.items()}
    order: list[str] = []
    waiting = dict.fromkeys(computed)
    while waiting:
        ready = [key for key in waiting if not any(read in waiting for read in reads[key])]
        if not ready:
            raise ExpressionError(_cycle(reads, list(waiting)))
        order += ready
        for key in ready:
            del waiting[key]
    return order


def _reads(tree: Tree, computed: Mapping[str, Tree]) -> dict[str, int]:
    """The computed fields that a tree reads, and where."""
    found: dict[str, int] = {}
    for node in walk(tree):
        parts = node.get("field", "").split(".")
        for length in range(1, len(parts) + 1):
            path = ".".join(parts[:length])
            if path in computed:
                found.setdefault(path, position(node))
    return found


def _cycle(reads: Mapping[str, Mapping[str, int]], waiting: list[str]) -> list[Problem]:
    path = [waiting[0]]
    while True:
        following = next(key for key in reads[path[-1]] if key in waiting)
        if following in path:
            circle = path[path.index(following) :]
            break
        path.append(following)
    shown = " → ".join([*circle, circle[0]])
    return [
        {
            **error(reads[key][then], "cycle", f"计算字段循环引用: {shown}", "去掉其中一处引用"),
            "field": key,
        }
        for key, then in zip(circle, [*circle[1:], circle[0]], strict=True)
    ]
