"""How far rights reach, and which fields may be seen: read from requests, and made into callers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.identity.permissions import STATIC, Catalogue
from services.common.caller import Clause, FieldRight
from services.common.errors import Invalid, invalid_field
from services.common.expressions import ExpressionError
from services.common.field_rights import EVERY, HIDDEN, LEVELS, MASKED, MASKS, RECORD, WRITE
from services.common.rights import Resource, resource_of
from services.common.scopes.clauses import check_clause

SCOPE_KINDS = ("all", "own", "department", "department_below", "departments", "shared", "expression")
_ALL = [{"kind": "all"}]
_FORM_FIELD = "fields."

Grants = dict[str, dict[str, Any]]
FieldRights = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Role:
    """A role as callers are made of it."""

    key: str
    permissions: frozenset[str]
    grants: Mapping[str, Mapping[str, Any]]
    fields: Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Tree:
    """The departments: the parent of each."""

    parents: Mapping[str, str | None]

    def below(self, code: str | None) -> tuple[str, ...]:
        """A department and all below it."""
        if code is None:
            return ()
        found = [code]
        for place in found:
            found += [one for one, parent in self.parents.items() if parent == place and one not in found]
        return tuple(found)


# --- what a request asks for -----------------------------------------------------------------------------


def checked_grants(
    received: Iterable[Mapping[str, Any]], departments: Iterable[str], catalogue: Catalogue = STATIC
) -> Grants:
    """Grants as they are kept: by right, only those that do not reach every record.

    `Invalid` names the place: an unknown right, scope or department, a scope for a right that is about no
    single record, an expression that does not fit the resource's fields.
    """
    known = set(departments)
    kept: Grants = {}
    for place, grant in enumerate(received):
        right = grant["right"]
        resource = catalogue.resource_of(right)
        if resource is None:
            raise invalid_field(f"grants.{place}.right", "permission_unknown", f"未知的权限: {right[:60]}")
        scopes = grant.get("scopes") or _ALL
        condition = grant.get("condition") or None
        if scopes == _ALL and condition is None:
            continue
        if right not in catalogue.scoped:
            raise invalid_field(
                f"grants.{place}.scopes", "scope_not_supported", f"权限 {right} 不针对单条记录, 不能限定范围"
            )
        checked = [
            _checked_scope(scope, resource, known, f"grants.{place}.scopes.{index}")
            for index, scope in enumerate(scopes)
        ]
        if condition is not None:
            _check_expression(condition, resource, f"grants.{place}.condition")
        kept[right] = {"scopes": checked, "condition": condition}
    return kept


def _checked_scope(
    scope: Mapping[str, Any], resource: Resource, known: set[str], place: str
) -> dict[str, Any]:
    kind = scope["kind"]
    if kind not in SCOPE_KINDS:
        raise invalid_field(f"{place}.kind", "scope_unknown", f"范围应为 {'、'.join(SCOPE_KINDS)}")
    if kind == "departments":
        codes = sorted(set(scope.get("departments") or ()))
        unknown = [code for code in codes if code not in known]
        if unknown or not codes:
            text = f"没有部门 {'、'.join(unknown[:5])}" if unknown else "请选择部门"
            raise invalid_field(f"{place}.departments", "department_unknown", text)
        return {"kind": kind, "departments": codes}
    if kind == "expression":
        text = scope.get("expression") or ""
        _check_expression(text, resource, f"{place}.expression")
        return {"kind": kind, "expression": text}
    return {"kind": kind}


def _check_expression(text: str, resource: Resource, place: str) -> None:
    try:
        check_clause(text, resource.scope_of_records)
    except ExpressionError as problem:
        errors = [{"field": place, **error} for error in problem.errors]
        raise Invalid(str(problem), code="expression", errors=errors) from problem


def checked_fields(received: Mapping[str, Any], catalogue: Catalogue = STATIC) -> FieldRights:
    """Field rights as they are kept, by resource and path; `Invalid` names the place."""
    kept: FieldRights = {}
    for key, paths in received.items():
        resource = catalogue.resources.get(key)
        if resource is None or not isinstance(paths, Mapping):
            raise invalid_field(f"fields.{key[:60]}", "resource_unknown", f"未知的资源: {key[:60]}")
        for path, right in paths.items():
            place = f"fields.{key}.{path[:100]}"
            level = right.get("level") if isinstance(right, Mapping) else right
            mask = (right.get("mask") if isinstance(right, Mapping) else None) or _mask_of(resource, path)
            if mask is None:
                raise invalid_field(place, "field_unknown", f"{resource.label_zh}没有字段 {path[:100]}")
            if level not in LEVELS:
                raise invalid_field(place, "level_unknown", f"字段权限应为 {'、'.join(LEVELS)}")
            if mask not in MASKS:
                raise invalid_field(f"{place}.mask", "mask_unknown", f"掩码应为 {'、'.join(MASKS)}")
            if level != WRITE:
                kept.setdefault(key, {})[path] = {"level": level, "mask": mask}
    return kept


def _mask_of(resource: Resource, path: str) -> str | None:
    """How a field is masked; None where there is no such field."""
    masks = {field.path: field.mask for field in resource.fields}
    if path.startswith(_FORM_FIELD) and path != _FORM_FIELD:
        return masks.get(path, masks.get(_FORM_FIELD + EVERY))
    return masks.get(path)


# --- what becomes of it ----------------------------------------------------------------------------------


def clauses_for(roles: Sequence[Role], department: str | None, tree: Tree) -> dict[str, tuple[Clause, ...]]:
    """The rights of these roles together that do not reach every record, each with all its grants."""
    found: dict[str, tuple[Clause, ...]] = {}
    for right in {right for role in roles for right in role.permissions}:
        clauses: list[Clause] = []
        for role in roles:
            if right in role.permissions:
                clauses += clauses_of_grant(role.grants.get(right), department, tree)
        if Clause("all") not in clauses:
            found[right] = tuple(dict.fromkeys(clauses))
    return found


def clauses_of_grant(grant: Mapping[str, Any] | None, department: str | None, tree: Tree) -> list[Clause]:
    """What one grant comes to for somebody of a department."""
    if grant is None:
        return [Clause("all")]
    condition = grant.get("condition") or ""
    return [_clause(scope, condition, department, tree) for scope in grant["scopes"]]


def _clause(scope: Mapping[str, Any], condition: str, department: str | None, tree: Tree) -> Clause:
    kind = scope["kind"]
    own = () if department is None else (department,)
    if kind == "department":
        return Clause("departments", own, condition)
    if kind == "department_below":
        return Clause("departments", tree.below(department), condition)
    if kind == "departments":
        return Clause("departments", tuple(scope["departments"]), condition)
    if kind == "expression":
        return Clause("expression", (scope["expression"],), condition)
    return Clause(kind, (), condition)


def fields_for(roles: Sequence[Role], catalogue: Catalogue = STATIC) -> dict[str, dict[str, FieldRight]]:
    """What these roles together may not see or write, by resource, under every name it is shown by.

    Of several roles with a right to a resource, the one that sees most counts.
    """
    own: dict[str, dict[str, FieldRight]] = {}
    for key in catalogue.resources:
        concerned = [role for role in roles if any(resource_of(right) == key for right in role.permissions)]
        # Who has no right to a resource meets its fields in others' answers, as far as any role lets them.
        concerned = concerned or list(roles)
        for path in {path for role in concerned for path in role.fields.get(key, ())}:
            rights = [_right_to(role.fields.get(key, {}), path) for role in concerned]
            widest = max(rights, key=lambda right: LEVELS.index(right.level))
            if widest.level != WRITE:
                own.setdefault(key, {})[path] = widest
    return _with_other_names(own, catalogue)


def _right_to(fields: Mapping[str, Mapping[str, Any]], path: str) -> FieldRight:
    """What is said of a field, or of what holds it."""
    names = [path]
    if path.startswith(_FORM_FIELD):
        names.append(_FORM_FIELD + EVERY)
    steps = path.split(".")
    names += [".".join(steps[:length]) for length in range(len(steps) - 1, 0, -1)]
    for name in names:
        if name in fields:
            return FieldRight(fields[name]["level"], fields[name]["mask"])
    return FieldRight(WRITE)


def _with_other_names(
    own: Mapping[str, Mapping[str, FieldRight]], catalogue: Catalogue
) -> dict[str, dict[str, FieldRight]]:
    found = {key: dict(paths) for key, paths in own.items()}
    for shower in catalogue.resources.values():
        for key in (shower.key, *shower.shows):
            for path, right in own.get(key, {}).items():
                if right.level in (HIDDEN, MASKED):
                    for name in _other_names(catalogue.resources[key], path, of_others=key != shower.key):
                        paths = found.setdefault(shower.key, {})
                        known = paths.get(name)
                        if known is None or LEVELS.index(right.level) < LEVELS.index(known.level):
                            paths[name] = right
    return found


def _other_names(resource: Resource, path: str, *, of_others: bool) -> list[str]:
    """The names under which answers show a field, beside its path."""
    names = [name for field in resource.fields if field.path == path for name in field.also]
    if of_others and resource.record_name:
        names.append(f"{resource.record_name}{RECORD}.{path}")
    return names
