"""Field rights: what of an answer its reader may see, and what of a request its sender may say. Pure.

One place for all doors: an answer goes through `conceal` whoever made it, so that lists, history, exports
and reports show the same; what one may not see, one can neither filter nor sort by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from services.common import rights
from services.common.caller import Caller, FieldRight
from services.common.errors import Forbidden

HIDDEN, MASKED, READ, WRITE = LEVELS = ("hidden", "masked", "read", "write")
EVERY = "*"
# After a name: the whole record of another resource that an answer holds under it (`customer{}.name`).
RECORD = "{}"
_SIGN = "*"
_MISSING = object()
_SENTENCES = frozenset({"title", "subject", "body", "detail", "message", "explanation"})
_TOLD_LENGTH_MIN = 2
_WITHHELD = "详情按字段权限不予显示"
Tree = dict[str, Any]


# --- masks -----------------------------------------------------------------------------------------------


def _keeping(first: int, last: int) -> Callable[[str], str]:
    """Keeps signs at both ends, never more than half of a text, and says nothing of how long it is."""

    def mask(text: str) -> str:
        if len(text) < 2 * (first + last):
            return _SIGN * 4
        return f"{text[:first]}{_SIGN * 4}{text[len(text) - last :] if last else ''}"

    return mask


def _email(text: str) -> str:
    name, at, host = text.partition("@")
    return f"{name[:1]}{_SIGN * 3}@{host}" if at and len(name) > 1 else _SIGN * 4


def _phone(text: str) -> str:
    """138****1234; of a number with signs between, as of its digits."""
    digits = re.sub(r"\D", "", text)
    return f"{digits[:3]}{_SIGN * 4}{digits[-4:]}" if len(digits) >= 11 else _keeping(0, 2)(digits)


MASKS: Mapping[str, Callable[[str], str]] = {
    "text": _keeping(1, 0),
    "bank_account": lambda text: _keeping(0, 4)(re.sub(r"\s", "", text)),
    "phone": _phone,
    "email": _email,
    "id_number": _keeping(3, 2),
    "uscc": _keeping(2, 4),
    "amount": lambda text: _SIGN * 4,
}


def masked(value: Any, mask: str) -> Any:
    """A value with its mask; nothing stays nothing, and of a list or an object each text is masked."""
    if value is None or value == "":
        return value
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    if isinstance(value, Mapping):
        return {key: masked(item, mask) for key, item in value.items()}
    if isinstance(value, str):
        return MASKS[mask](value)
    return _SIGN * 4


# --- what is seen ----------------------------------------------------------------------------------------


def conceal(caller: Caller, right: str, answer: Any) -> Any:
    """An answer (plain JSON) without what its reader may not see of the right's resource.

    A field is found by its path wherever a record stands in the answer; an entry of a history that speaks of
    a field (`{"field", "before", "after"}`) is treated as the field itself.
    """
    restricted = _concealed(caller, rights.resource_of(right))
    if not restricted:
        return answer
    tree = _tree(restricted)
    told: dict[str, str] = {}
    return _retold(_Walk(tree, told).concealed(answer, tree), told)


def only_seen(caller: Caller, right: str, answer: Any) -> Any:
    """An answer with what its reader sees as it is, and nothing else: to be copied into another record.

    A mask would be taken for the value there.
    """
    concealed = {
        resource: {path: FieldRight(HIDDEN) if one.level == MASKED else one for path, one in paths.items()}
        for resource, paths in caller.fields.items()
    }
    return conceal(replace(caller, fields=concealed), right, answer)


def _tree(restricted: Mapping[str, FieldRight]) -> Tree:
    """The paths as nested steps, so that a record is looked through once."""
    tree: Tree = {}
    for path, right in restricted.items():
        *steps, last = path.split(".")
        place = tree
        for step in steps:
            inner = place.setdefault(step, {})
            if isinstance(inner, FieldRight):
                break
            place = inner
        else:
            place[last] = right
    return tree


class _Walk:
    """One walk through an answer; what it conceals is noted in `told`, with what stands there instead."""

    def __init__(self, everywhere: Tree, told: dict[str, str]) -> None:
        self.everywhere = everywhere
        self.told = told

    def concealed(self, value: Any, here: Tree) -> Any:
        """A part of the answer, looked at by the rules that hold here and those that hold everywhere."""
        if isinstance(value, list):
            kept = (item for item in value if not _is_hidden_change(item, self.everywhere))
            return [self.concealed(item, here) for item in kept]
        if not isinstance(value, Mapping):
            return value
        changed = _at(self.everywhere, str(value["field"])) if _is_change(value) else None
        if changed is not None:
            return {
                key: self._shown(item, changed) if key in ("before", "after") else item
                for key, item in value.items()
            }
        return self._record(value, here)

    def _record(self, value: Mapping[str, Any], here: Tree) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        is_told = False
        for key, item in value.items():
            whole = self.everywhere.get(key + RECORD)
            if whole is not None and isinstance(item, Mapping):
                shown[key] = self.concealed(item, whole)
                continue
            rule = here.get(key, here.get(EVERY))
            if rule is None and here is not self.everywhere:
                rule = self.everywhere.get(key)
            is_told = is_told or isinstance(rule, FieldRight)
            kept = self._shown(item, rule)
            if kept is not _MISSING:
                shown[key] = kept
        if is_told and isinstance(shown.get("message"), str):
            # A sentence for people that was made of what was just taken out.
            shown["message"] = _WITHHELD
        return shown

    def _shown(self, value: Any, rule: Any) -> Any:
        if not isinstance(rule, FieldRight):
            return self.concealed(value, rule if isinstance(rule, dict) else self.everywhere)
        instead = _MISSING if rule.level == HIDDEN else masked(value, rule.mask)
        if isinstance(value, str) and len(value) >= _TOLD_LENGTH_MIN:
            self.told[value] = instead if isinstance(instead, str) else _SIGN * 4
        return instead


def _retold(value: Any, told: Mapping[str, str]) -> Any:
    """The same, with what was concealed taken out of sentences that repeat it: the title of a task."""
    if not told:
        return value
    if isinstance(value, list):
        return [_retold(item, told) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: _without(item, told) if key in _SENTENCES and isinstance(item, str) else _retold(item, told)
        for key, item in value.items()
    }


def _without(text: str, told: Mapping[str, str]) -> str:
    for raw, instead in told.items():
        text = text.replace(raw, instead)
    return text


def _is_change(value: Any) -> bool:
    return isinstance(value, Mapping) and "field" in value and "before" in value and "after" in value


def _is_hidden_change(item: Any, tree: Tree) -> bool:
    if not _is_change(item):
        return False
    rule = _at(tree, str(item["field"]))
    return isinstance(rule, FieldRight) and rule.level == HIDDEN


def _at(tree: Tree, path: str) -> Any:
    """What is said of a path: the rule of a field, or the rules of what is inside."""
    place: Any = tree
    for step in path.split("."):
        if isinstance(place, FieldRight):
            return place
        place = place.get(step, place.get(EVERY))
        if place is None:
            return None
    return place


def concealed_names(caller: Caller, resource: str) -> frozenset[str]:
    """The fields of a resource that a caller does not see as they are."""
    return frozenset(_concealed(caller, resource))


def is_hidden(caller: Caller, resource: str, path: str) -> bool:
    """Whether a caller sees nothing at all at a path: a table has no column for it."""
    restricted = caller.fields.get(resource) or {}
    rule = _at(_tree({name: one for name, one in restricted.items() if one.level == HIDDEN}), path)
    return isinstance(rule, FieldRight)


def _concealed(caller: Caller, resource: str) -> dict[str, FieldRight]:
    restricted = caller.fields.get(resource) or {}
    return {path: one for path, one in restricted.items() if one.level in (HIDDEN, MASKED)}


def require_seen(caller: Caller, resource: str, names: Iterable[str]) -> None:
    """Raise `Forbidden`, naming the field, for one that the caller may not filter, sort or group by."""
    tree = _tree(_concealed(caller, resource))
    for name in names:
        if _at(tree, name) is not None or _at(tree, f"fields.{name}") is not None:
            raise _refused(name, "field_not_seen", "您无权查看该字段, 不能按它筛选、排序或统计")


# --- what is written -------------------------------------------------------------------------------------


def require_written(caller: Caller, right: str, received: Any) -> None:
    """Raise `Forbidden`, naming the field, for a request that writes what its sender may not write.

    A change that replaces what holds such a field (all contacts, say) would drop what it does not name: it is
    refused as well.
    """
    restricted = caller.fields.get(rights.resource_of(right))
    if not restricted or rights.leaves_as_it_is(right) or not isinstance(received, Mapping):
        return
    tree = _tree({path: one for path, one in restricted.items() if one.level != WRITE})
    replaces = right.partition(".")[2] not in ("create", "import")
    for record in _records(received):
        for path in _written(record, tree, "", replaces=replaces):
            raise _refused(path, "field_not_writable", "您无权填写该字段")


def _records(received: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield received
    for name in ("items", "rows"):
        items = received.get(name)
        if isinstance(items, list):
            yield from (item for item in items if isinstance(item, Mapping))


def _written(value: Any, tree: Tree, before: str, *, replaces: bool) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _written(item, tree, before, replaces=replaces)
    if not isinstance(value, Mapping):
        return
    for key, item in value.items():
        rule = tree.get(key, tree.get(EVERY))
        if isinstance(rule, FieldRight):
            yield f"{before}{key}"
        elif rule:
            yield from _written(item, rule, f"{before}{key}.", replaces=replaces)
            if isinstance(item, list) and replaces:
                yield f"{before}{key}.{min(rule)}"


def _refused(path: str, code: str, message: str) -> Forbidden:
    error = {"field": path, "code": code, "message": message}
    return Forbidden(f"{message}: {path}", code=code, errors=[error], field=path)
