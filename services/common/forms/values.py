"""The values of a record, checked against its form's definition, linked, and computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache
from typing import Any

from services.common import expressions, strict_json
from services.common.errors import Invalid
from services.common.expressions import Compiled, ExpressionError, World
from services.common.expressions.values import CONTEXT
from services.common.forms.checking import compiled_pattern
from services.common.forms.definition import FormDefinition, read_definition, refused
from services.common.forms.formulas import Formulas, compile_formulas
from services.common.forms.texts import Fault, Refused, fault
from services.common.forms.types import FieldType, FormField, type_of

Values = dict[str, Any]
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, eq=False)
class Form:
    """A definition together with its compiled expressions; one object for each, see `compile_form`."""

    definition: FormDefinition
    formulas: Formulas

    @cached_property
    def takes(self) -> Mapping[str, tuple[FormField, FieldType, bool]]:
        """By key: a field, its type, and whether values for it are taken at all."""
        kinds = {one.key: (one, type_of(one)) for one in self.definition.fields}
        return {
            key: (one, kind, kind.has_value and not kind.is_computed and not one.read_only)
            for key, (one, kind) in kinds.items()
        }

    @cached_property
    def patterns(self) -> Mapping[str, Any]:
        """The compiled patterns of its fields."""
        with_one = (one for one in self.definition.fields if one.pattern is not None)
        return {one.key: compiled_pattern(one.pattern["regex"]) for one in with_one if one.pattern}


def compile_form(stored: Mapping[str, Any], version: int) -> Form:
    """The form of a definition, compiled once; `Invalid` names every fault in it at its place."""
    return _compiled(strict_json.dumps_plain(stored), version)


@lru_cache(maxsize=256)
def _compiled(stored: bytes, version: int) -> Form:
    definition = read_definition(strict_json.loads(stored), version)
    formulas, faults = compile_formulas(definition)
    if faults:
        raise refused(faults)
    late = formulas.late.reads
    marked = tuple(replace(one, late=True) if one.key in late else one for one in definition.fields)
    return Form(replace(definition, fields=marked) if late else definition, formulas)


@dataclass(frozen=True)
class Surroundings:
    """What the values of a record may depend on besides themselves.

    `world` has the time; `me` who asks (see `rights.MY_FIELDS`); `related` the records that relations point
    to, by their ids, as `{"id", ..., "fields": {...}}`; `number` gives the next automatic number of a field.
    """

    world: World = field(default_factory=World)
    me: Mapping[str, Any] = field(default_factory=dict)
    related: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    number: Callable[[FormField], str] | None = None


@dataclass
class Outcome:
    """What came of values: those to be stored, how the form stands, and what is wrong."""

    values: Values
    hidden: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The faults as answers tell them."""
        return [one.below("fields").as_error() for one in self.faults]


def load_values(
    form: Form,
    received: Any,
    before: Mapping[str, Any] | None = None,
    surroundings: Surroundings | None = None,
) -> Values:
    """The values to be stored of a new record, or of one that had the values `before`; plain JSON.

    Numbers and money are decimal text; empty fields are left out. Of a change, fields that are not named
    stay. `Invalid` names every field at fault as `fields.<key>`.
    """
    found = settle_values(form, received, before, surroundings)
    if found.faults:
        said = "; ".join(_said(form.definition, one) for one in found.faults[:5])
        raise Invalid(f"表单填写有误: {said}", code="invalid", errors=found.errors)
    return found.values


def settle_values(
    form: Form,
    received: Any,
    before: Mapping[str, Any] | None = None,
    surroundings: Surroundings | None = None,
) -> Outcome:
    """The same, with how the form stands and all that is wrong, instead of a refusal."""
    if not isinstance(received, Mapping):
        error = {"field": "fields", "code": "not_an_object", "message": "应为 JSON 对象"}
        raise Invalid("输入有误: fields 应为 JSON 对象", code="invalid", errors=[error])
    return _Settling(form, received, before, surroundings or Surroundings()).run()


def late_values(form: Form, shown: Mapping[str, Any], around: Surroundings) -> Values:
    """The formulas over roll-ups of a record whose roll-ups are in `shown`; nothing for null.

    One that needs a roll-up which is not there (its reader may not see it) is not there either.
    """
    late = form.formulas.late
    missing = {one.key for one in form.definition.of_type("rollup") if one.key not in shown}
    record: Values = dict(around.me)
    for key in frozenset().union(*late.reads.values()) - record.keys():
        try:
            record[key] = expressions.from_json(shown.get(key), late.catalogue.fields[key].type, key)
        except ExpressionError:
            record[key] = None
    found: Values = {}
    for key, reads in late.reads.items():
        if reads & missing:
            missing.add(key)
            continue
        try:
            value = form.formulas.formulas[key](record, around.world)
        except ExpressionError:
            # What cannot be computed, a division by a sum of nothing say, is empty.
            value = None
        record[key] = rounded(value, form.definition.by_key[key])
        if record[key] is not None:
            found[key] = expressions.to_json(record[key])
    return found


def _said(definition: FormDefinition, found: Fault) -> str:
    key, _, _ = found.path.partition(".")
    known = definition.field(key)
    return f"{known.label['zh'] if known else key} {found.zh}"


class _Settling:
    """One record on its way from what was received to what is stored."""

    def __init__(
        self,
        form: Form,
        received: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        surroundings: Surroundings,
    ) -> None:
        self.form, self.definition, self.formulas = form, form.definition, form.formulas
        self.received, self.before = received, before
        self.surroundings = surroundings
        self.faults: list[Fault] = []
        self.values: Values = dict(before or {})
        self.written: set[str] = set()

    def run(self) -> Outcome:
        """All steps, in their order."""
        for key, value in self.received.items():
            self._take(key, value)
        self._bring_in()
        if self.before is None:
            self._fill_in()
        self._compute()
        return self._standing()

    # --- what was received -------------------------------------------------------------------------------

    def _take(self, key: str, value: Any) -> None:
        found = self.form.takes.get(key)
        if found is None:
            self.faults.append(fault("unknown_field", key[:60]))
            return
        known, kind, is_taken = found
        if not is_taken:
            old = (self.before or _NOTHING).get(key)
            if value != old and not (value is None and self.before is None):
                self.faults.append(fault(kind.why_not_written or "read_only", key))
            return
        self.written.add(key)
        if value is None:
            self.values.pop(key, None)
            return
        try:
            self.values[key] = kind.load(value, known)
            if known.pattern is not None:
                self._match(known, known.pattern)
        except Refused as problem:
            self.values.pop(key, None)
            self.faults += [one.below(key) for one in problem.faults]

    def _match(self, known: FormField, pattern: Mapping[str, Any]) -> None:
        if self.form.patterns[known.key].fullmatch(self.values[known.key]):
            return
        message = pattern.get("message")
        plain = fault("pattern")
        zh = message["zh"] if message else plain.zh
        raise Refused([Fault("", "pattern", zh, (message or {}).get("en") or plain.en)])

    # --- what is filled in -------------------------------------------------------------------------------

    def _bring_in(self) -> None:
        """What chosen records bring in: prefills where nobody wrote, and look-ups."""
        for relation in self.definition.of_type("relation"):
            chosen = self.values.get(relation.key)
            record = self.surroundings.related.get(chosen) if chosen else None
            if record is None or chosen == (self.before or _NOTHING).get(relation.key):
                continue
            for each in relation.settings["prefill"]:
                target = self.definition.by_key[each["target"]]
                if target.key not in self.written:
                    self._put(target, value_at(record, each["source"]))
        for lookup in self.definition.of_type("lookup"):
            chosen = self.values.get(lookup.settings["relation"])
            record = self.surroundings.related.get(chosen) if chosen else None
            if not chosen:
                self.values.pop(lookup.key, None)
            elif record is not None:
                self._keep(lookup.key, value_at(record, lookup.settings["field"]))

    def _put(self, target: FormField, value: Any) -> None:
        """What is brought in, if the field takes it."""
        if value is None:
            return
        try:
            self.values[target.key] = type_of(target).load(value, target)
        except Refused as problem:
            self.faults += [one.below(target.key) for one in problem.faults]

    def _fill_in(self) -> None:
        for one in self.definition.fields:
            if one.key not in self.received and one.default is not None and one.key not in self.values:
                self._put(one, one.default)
        for key, compiled in self.formulas.defaults.items():
            if key not in self.received and key not in self.values:
                value = self._evaluated(key, compiled, self._record())
                self._put(self.definition.by_key[key], expressions.to_json(value))
        if self.surroundings.number is not None:
            for one in self.definition.of_type("auto_number"):
                self.values[one.key] = self.surroundings.number(one)

    # --- what is computed --------------------------------------------------------------------------------

    def _record(self) -> dict[str, Any]:
        """What expressions read of the record; what an older version wrote as another type is not there."""
        found: dict[str, Any] = dict(self.surroundings.me)
        for key in self.formulas.reads - found.keys():
            known = self.formulas.catalogue.fields[key]
            try:
                found[key] = expressions.from_json(self.values.get(key), known.type, key)
            except ExpressionError:
                found[key] = None
        return found

    def _compute(self) -> None:
        for key, (catalogue, formulas, order) in self.formulas.columns.items():
            if order:
                rows = self.values.get(key) or []
                self.values[key] = [self._row(key, row, catalogue, formulas, order) for row in rows]
                if not rows:
                    self.values.pop(key)
        if not self.formulas.order:
            return
        record = self._record()
        for key in self.formulas.order:
            value = self._evaluated(key, self.formulas.formulas[key], record)
            record[key] = self._keep(key, value)

    def _row(self, key: str, row: Values, catalogue: Any, formulas: Any, order: tuple[str, ...]) -> Values:
        columns = {one.key: one for one in self.definition.by_key[key].columns}
        read = {**dict.fromkeys(catalogue.fields), **expressions.record_from_json(row, catalogue)}
        found = dict(row)
        for name in order:
            value = self._evaluated(key, formulas[name], read)
            read[name] = rounded(value, columns[name])
            found[name] = expressions.to_json(read[name])
        return {name: value for name, value in found.items() if value is not None}

    def _keep(self, key: str, value: Any) -> Any:
        """Store a computed value; nothing for null."""
        value = rounded(value, self.definition.by_key[key])
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = expressions.to_json(value)
        return value

    def _evaluated(self, key: str, compiled: Compiled, record: Mapping[str, Any]) -> Any:
        try:
            return compiled(record, self.surroundings.world)
        except ExpressionError as problem:
            self.faults.append(fault("computing_failed", key, why=str(problem), why_en=_codes(problem)))
            return None

    # --- how the form stands -----------------------------------------------------------------------------

    def _standing(self) -> Outcome:
        record = self._record()
        shown = self.formulas.conditions["visible_when"]
        hidden = frozenset(key for key in shown if not self._holds(shown[key], key, record))
        required = self._required(record) - hidden
        options = self._options(record)
        for key in self.written & hidden:
            if self.values.get(key) is not None and self.values[key] != (self.before or _NOTHING).get(key):
                self.faults.append(fault("hidden_field", key))
        self._require(required)
        self._check_options(options)
        for check, compiled in zip(self.definition.checks, self.formulas.checks, strict=True):
            place = check.field or "*"
            if self._evaluated(place, compiled, record) is True:
                en = check.message.get("en") or check.message["zh"]
                self.faults.append(Fault(check.field or "", "check", check.message["zh"], en))
        values = {key: value for key, value in self.values.items() if value is not None}
        return Outcome(values, hidden, required, options, self.faults)

    def _holds(self, compiled: Compiled, key: str, record: Mapping[str, Any]) -> bool:
        return self._evaluated(key, compiled, record) is True

    def _required(self, record: Mapping[str, Any]) -> frozenset[str]:
        always = {one.key for one in self.definition.fields if one.required}
        conditions = self.formulas.conditions["required_when"]
        sometimes = {key for key in conditions if self._holds(conditions[key], key, record)}
        return frozenset(always | sometimes)

    def _require(self, required: frozenset[str]) -> None:
        """What is required is there; what an older version did not ask for may be missing in a change."""
        faulty = {one.path.partition(".")[0] for one in self.faults}
        for one in self.definition.holding:
            key = one.key
            if key not in required or not is_empty(self.values.get(key)) or key in faulty:
                continue
            if type_of(one).is_computed:
                continue
            named = key in self.received
            if self.before is None or named or not is_empty(self.before.get(key)) or not one.required:
                self.faults.append(fault("null" if named and self.received[key] is None else "required", key))

    def _options(self, record: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        found = {}
        for key, linked in self.formulas.options.items():
            for compiled, options in linked:
                if self._evaluated(key, compiled, record) is True:
                    found[key] = options
                    break
        return found

    def _check_options(self, options: Mapping[str, tuple[str, ...]]) -> None:
        for key, allowed in options.items():
            value = self.values.get(key)
            chosen = value if isinstance(value, list) else [] if value is None else [value]
            if any(one not in allowed for one in chosen):
                self.faults.append(fault("choice_not_now", key))


def _codes(problem: ExpressionError) -> str:
    return ", ".join(str(error["code"]) for error in problem.errors)


def is_empty(value: Any) -> bool:
    """Whether a field is as good as not filled in."""
    return value is None or value == "" or value == []


def rounded(value: Any, known: FormField) -> Any:
    """A computed number with the decimals that its field has."""
    decimals = known.settings.get("decimals") if known.type == "formula" else None
    if decimals is None or not isinstance(value, Decimal):
        return value
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP, context=CONTEXT)


def value_at(record: Mapping[str, Any], name: str) -> Any:
    """A field of a related record: of its form, or of its core."""
    inner = record.get("fields")
    if isinstance(inner, Mapping) and name in inner:
        return inner[name]
    return record.get(name)
