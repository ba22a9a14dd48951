"""The expressions of a definition: checked against its fields, ordered, and compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.common import expressions
from services.common.expressions import Compiled, ExpressionError, Fields, Tree
from services.common.expressions.types import Type, declared
from services.common.forms.definition import CONDITIONS, FormDefinition
from services.common.forms.texts import Fault, fault
from services.common.forms.types import FormField, type_of
from services.common.rights import MY_FIELDS

# Of a sub-table: what its formulas may read, the formulas, and their order.
Columns = tuple[Fields, Mapping[str, Compiled], tuple[str, ...]]
_ENGLISH = "the expression is wrong: "


@dataclass(frozen=True)
class Late:
    """The formulas over roll-ups, computed when a record is read: in their order, and what each reads.

    `catalogue` knows roll-ups as well.
    """

    catalogue: Fields = field(default_factory=lambda: Fields({}))
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Formulas:
    """All that is computed of a form's record.

    `catalogue` knows every field and who asks; `order` has the formulas, each after those it reads; `columns`
    those within the rows of sub-tables; `options` the linked options with their conditions. `reads` are the
    fields that any of them reads of the record.
    """

    catalogue: Fields
    formulas: Mapping[str, Compiled] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    columns: Mapping[str, tuple[Fields, Mapping[str, Compiled], tuple[str, ...]]] = field(
        default_factory=dict
    )
    conditions: Mapping[str, Mapping[str, Compiled]] = field(default_factory=dict)
    defaults: Mapping[str, Compiled] = field(default_factory=dict)
    options: Mapping[str, tuple[tuple[Compiled, tuple[str, ...]], ...]] = field(default_factory=dict)
    checks: tuple[Compiled, ...] = ()
    reads: frozenset[str] = frozenset()
    late: Late = field(default_factory=lambda: Late())


def catalogue_of(
    listed: tuple[FormField, ...], types: Mapping[str, Type] | None = None, *, rollups: bool = False
) -> Fields:
    """What expressions may read of a record: fields that hold a value, roll-ups if asked, and who asks."""
    known = {
        one.key: expressions.Field(
            one.key,
            (types or {}).get(one.key) or declared(type_of(one).expression_type(one)),
            one.label["zh"],
            one.label.get("en") or "",
            type_of(one).unit(one),
        )
        for one in listed
        if (type_of(one).has_value and not one.late) or (rollups and one.type == "rollup")
    }
    return Fields({**{key: mine for key, mine in MY_FIELDS.items() if key not in known}, **known})


def compile_formulas(definition: FormDefinition) -> tuple[Formulas, list[Fault]]:
    """The expressions of a definition, and what is wrong with them."""
    maker = _Maker(catalogue_of(definition.fields, rollups=True))
    formulas, order = maker.formulas(definition.fields, "fields")
    late = _late(definition, maker, order)
    order = tuple(key for key in order if key not in late.reads)
    # Nothing else can wait for roll-ups: it is decided when a record is written.
    maker.catalogue = catalogue_of(tuple(one for one in definition.fields if one.key not in late.reads))
    columns = {}
    conditions: dict[str, dict[str, Compiled]] = {name: {} for name in CONDITIONS}
    defaults: dict[str, Compiled] = {}
    options: dict[str, tuple[tuple[Compiled, tuple[str, ...]], ...]] = {}
    for place, one in enumerate(definition.fields):
        start = f"fields.{place}"
        if one.columns:
            inner = _Maker(catalogue_of(one.columns))
            columns[one.key] = (inner.catalogue, *inner.formulas(one.columns, f"{start}.fields"))
            maker.faults += inner.faults
        for name in CONDITIONS:
            if name in one.conditions:
                maker.keep(conditions[name], one.key, one.conditions[name], f"{start}.{name}", "bool")
        if "default_formula" in one.conditions:
            wanted = type_of(one).expression_type(one)
            text = one.conditions["default_formula"]
            maker.keep(defaults, one.key, text, f"{start}.default_formula", wanted)
        linked = one.settings.get("options_when") or ()
        if linked:
            found = [
                (maker.compiled(each["when"], f"{start}.options_when.{number}.when", "bool"), each)
                for number, each in enumerate(linked)
            ]
            options[one.key] = tuple((tree, tuple(each["options"])) for tree, each in found if tree)
    checks = [
        maker.compiled(check.when, f"checks.{place}.when", "bool")
        for place, check in enumerate(definition.checks)
    ]
    made = Formulas(
        maker.catalogue,
        formulas,
        order,
        columns,
        conditions,
        defaults,
        options,
        tuple(filter(None, checks)),
        frozenset(maker.reads & maker.catalogue.fields.keys()),
        late,
    )
    return made, maker.faults


def _late(definition: FormDefinition, maker: _Maker, order: tuple[str, ...]) -> Late:
    """The formulas that read roll-ups, or others that do; they can be neither searched by nor unique."""
    waiting = {one.key for one in definition.of_type("rollup")}
    reads: dict[str, frozenset[str]] = {}
    for key in order:
        if maker.read_by[key] & waiting:
            waiting.add(key)
            reads[key] = maker.read_by[key]
    for place, one in enumerate(definition.fields):
        if one.key in reads and one.searchable:
            maker.faults.append(fault("not_searchable", f"fields.{place}.searchable"))
        if one.key in reads and (one.unique or any(one.key in group for group in definition.unique)):
            maker.faults.append(fault("not_unique", f"fields.{place}.unique"))
    return Late(maker.catalogue, reads)


class _Maker:
    """Compiles texts against a catalogue and notes what is wrong with each, at its place."""

    def __init__(self, catalogue: Fields) -> None:
        self.catalogue = catalogue
        self.faults: list[Fault] = []
        self.reads: set[str] = set()
        # By computed field, the fields that its formula reads.
        self.read_by: dict[str, frozenset[str]] = {}

    def formulas(
        self, listed: tuple[FormField, ...], start: str
    ) -> tuple[dict[str, Compiled], tuple[str, ...]]:
        """The computed fields, and the order in which they can be computed."""
        trees: dict[str, Tree] = {}
        places = {one.key: f"{start}.{place}.formula" for place, one in enumerate(listed)}
        for one in listed:
            if one.type == "formula":
                read_before, self.reads = self.reads, set()
                tree = self._checked(
                    one.conditions["formula"], places[one.key], type_of(one).expression_type(one)
                )
                self.read_by[one.key] = frozenset(self.reads)
                self.reads |= read_before
                if tree is not None:
                    trees[one.key] = tree
        try:
            order = expressions.computing_order(trees)
        except ExpressionError as problem:
            self.faults += [_fault(error, places[error["field"]]) for error in problem.errors]
            return {}, ()
        return {key: expressions.compile_tree(tree) for key, tree in trees.items()}, tuple(order)

    def keep(self, into: dict[str, Compiled], key: str, text: str, place: str, wanted: Any) -> None:
        """Compile a text under a key, if nothing is wrong with it."""
        found = self.compiled(text, place, wanted)
        if found is not None:
            into[key] = found

    def compiled(self, text: str, place: str, wanted: Any) -> Compiled | None:
        """The function of a text; None where something is wrong with it."""
        tree = self._checked(text, place, wanted)
        return None if tree is None else expressions.compile_tree(tree)

    def _checked(self, text: str, place: str, wanted: Any) -> Tree | None:
        try:
            found = expressions.check(expressions.parse(text), self.catalogue, declared(wanted))
        except ExpressionError as problem:
            self.faults += [_fault(error, place) for error in problem.errors]
            return None
        self.reads |= {self._field_of(name) for name in found.reads}
        return found.tree

    def _field_of(self, name: str) -> str:
        """The field that a name is, or lies in."""
        return name if name in self.catalogue.fields else name.partition(".")[0]


def _fault(error: Mapping[str, Any], place: str) -> Fault:
    position = int(error.get("position") or 0)
    told = f"{error['message']} (第 {position + 1} 个字符)"
    return Fault(place, error["code"], told, f"{_ENGLISH}{error['code']} at {position + 1}")
