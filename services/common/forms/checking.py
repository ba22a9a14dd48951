"""What a definition must hold to beyond the shape of its fields: keys, references, patterns, defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import re2

from services.common.forms.texts import Fault, Refused, fault
from services.common.forms.types import FormField, layout, type_of

if TYPE_CHECKING:
    from services.common.forms.definition import FormDefinition

# Letters of any script, digits and underscores: what can stand in a formula as it is.
_KEY = re.compile(r"[^\W\d_]\w{0,49}")
_PATTERN_BYTES_MAX = 1_000_000


def faults_in(definition: FormDefinition) -> list[Fault]:
    """Every fault, each at its place."""
    faults: list[Fault] = []
    known = definition.by_key
    for place, field in enumerate(definition.fields):
        found = [*_faults_of(field, known), *_references(field, known)]
        faults += [one.below(f"fields.{place}") for one in found]
    faults += [one.below("fields") for one in _twice(definition.fields)]
    for place, group in enumerate(definition.unique):
        faults += [one.below(f"unique.{place}") for one in _group_faults(group, known)]
    for place, check in enumerate(definition.checks):
        if check.field is not None and check.field not in known:
            faults.append(fault("field_missing", f"checks.{place}.field", key=check.field))
    return faults


def _twice(listed: Iterable[FormField]) -> list[Fault]:
    seen: set[str] = set()
    found = []
    for place, field in enumerate(listed):
        if field.key in seen:
            found.append(fault("key_twice", f"{place}.key", key=field.key))
        seen.add(field.key)
    return found


def _faults_of(field: FormField, known: Mapping[str, FormField]) -> list[Fault]:
    kind = type_of(field)
    faults = list(kind.check(field))
    if not _KEY.fullmatch(field.key):
        faults.append(fault("key_malformed", "key"))
    if field.searchable and not kind.can_be_searched:
        faults.append(fault("not_searchable", "searchable"))
    if field.unique and not kind.can_be_unique:
        faults.append(fault("not_unique", "unique"))
    if field.type == "formula" and not field.conditions.get("formula"):
        faults.append(fault("required", "formula"))
    if field.type != "formula" and field.conditions.get("formula"):
        faults.append(fault("unknown_field", "formula"))
    faults += _pattern_faults(field)
    faults += _default_faults(field)
    for place, column in enumerate(field.columns):
        found = _faults_of(column, known)
        if not type_of(column).fits_sub_tables:
            found.append(fault("nested", "type", type=type_of(column).zh, type_en=type_of(column).en))
        faults += [one.below(f"fields.{place}") for one in found]
    faults += [one.below("fields") for one in _twice(field.columns)]
    return faults


def _pattern_faults(field: FormField) -> list[Fault]:
    if field.pattern is None:
        return []
    if type_of(field).stores != "text":
        return [fault("field_unfit", "pattern", key=field.key)]
    try:
        compiled_pattern(field.pattern["regex"])
    except re2.error as problem:
        return [fault("pattern_invalid", "pattern.regex", why=str(problem)[:100])]
    return []


def compiled_pattern(regex: str) -> re2._Regexp:
    """A pattern that matches in linear time, whatever it is; `re2.error` where it does not compile."""
    options = re2.Options()
    options.max_mem = _PATTERN_BYTES_MAX
    options.log_errors = False
    return re2.compile(regex, options)


def _default_faults(field: FormField) -> list[Fault]:
    kind = type_of(field)
    formula = field.conditions.get("default_formula")
    if field.default is None and formula is None:
        return []
    # A file belongs to one record: none can be everybody's default, or come from another record.
    if kind.is_computed or not kind.has_value or _is_file(field):
        return [fault("field_unfit", "default", key=field.key)]
    if formula is not None:
        return [] if field.default is None else [fault("default_twice", "default")]
    try:
        kind.load(field.default, field)
    except Refused as problem:
        return [fault("default_invalid", "default", why=str(problem), why_en=problem.english)]
    return []


def _references(field: FormField, known: Mapping[str, FormField]) -> list[Fault]:
    """What a field says of others: layouts of their children, look-ups of relations, prefills of targets."""
    faults = []
    for key in layout.children_of(field) if type_of(field).family == "layout" else ():
        if key not in known or key == field.key:
            faults.append(fault("field_missing", "children", key=key))
    if field.type == "lookup":
        relation = known.get(field.settings["relation"])
        if relation is None:
            faults.append(fault("field_missing", "relation", key=field.settings["relation"]))
        elif relation.type != "relation":
            faults.append(fault("field_unfit", "relation", key=relation.key))
    if field.type == "relation":
        for place, each in enumerate(field.settings["prefill"]):
            target = known.get(each["target"])
            if target is None:
                faults.append(fault("field_missing", f"prefill.{place}.target", key=each["target"]))
            elif type_of(target).is_computed or not type_of(target).has_value or _is_file(target):
                faults.append(fault("field_unfit", f"prefill.{place}.target", key=target.key))
    return faults


def _is_file(field: FormField) -> bool:
    return type_of(field).family == "file"


def _group_faults(group: tuple[str, ...], known: Mapping[str, FormField]) -> list[Fault]:
    faults = []
    for place, key in enumerate(group):
        field = known.get(key)
        if field is None:
            faults.append(fault("field_missing", str(place), key=key))
        elif not type_of(field).can_be_unique and type_of(field).stores != "bool":
            faults.append(fault("not_unique", str(place)))
    return faults
