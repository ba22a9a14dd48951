"""What the columns of a table mean: proposed from headings, changed by people, checked by name. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.common.caller import Caller
from services.common.errors import CreditError, Forbidden, Invalid
from services.common.field_rights import require_written

# Why a column is not brought in: nobody writes it, or not this caller.
COMPUTED, NOT_WRITABLE, UNKNOWN = "computed", "field_not_writable", "column_unknown"
_SAID = {
    NOT_WRITABLE: "您无权填写该字段",
    UNKNOWN: "没有对应的字段, 请选择要填入的字段或不导入此列",
    COMPUTED: "由系统填写, 不导入",
}


@dataclass(frozen=True)
class Column:
    """What a column of a table may fill: its path in the record, and what people are told of it.

    `kind` is the type of the field; `names` are further headings under which it is known. `refused` says why
    it cannot be filled in; empty where it can.
    """

    path: str
    label: str
    kind: str = "text"
    required: bool = False
    hint: str = ""
    options: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    refused: str = ""

    def view(self) -> dict[str, Any]:
        """As answers show it."""
        shown = asdict(self)
        del shown["names"]
        return {**shown, "options": list(self.options)}


def may_write(caller: Caller, right: str, path: str) -> bool:
    """Whether the field rights of a caller let them fill in what is at a path."""
    stub: Any = {}
    for step in reversed(path.split(".")):
        stub = {step: stub or "x"}
    try:
        require_written(caller, right, stub)
    except Forbidden:
        return False
    return True


def propose(headings: Sequence[str], columns: Sequence[Column]) -> dict[str, str | None]:
    """By heading: the path that it seems to mean. What nobody fills in is left out (null).

    Headings without a meaning are not in the answer: somebody has to say what becomes of them.
    """
    known: dict[str, Column] = {}
    for column in columns:
        for name in (column.label, column.path, column.path.rpartition(".")[2], *column.names):
            known.setdefault(_plain(name), column)
    found: dict[str, str | None] = {}
    for heading in headings:
        one = known.get(_plain(heading))
        if one is None or one.refused == NOT_WRITABLE:
            continue
        if one.refused:
            found[heading] = None
        elif one.path not in found.values():
            found[heading] = one.path
    return found


def _plain(heading: str) -> str:
    return heading.strip().rstrip("*＊").strip().lower()


def described(
    headings: Sequence[str],
    mapping: Mapping[str, str | None],
    columns: Sequence[Column],
    preview: Sequence[Sequence[str]],
) -> list[dict[str, Any]]:
    """The columns of a file as people choose for them: `{"heading", "path", "problem", "samples"}`."""
    meant = {name: one for one in columns for name in map(_plain, (one.label, one.path, *one.names))}
    shown = []
    for place, heading in enumerate(headings):
        one = meant.get(_plain(heading))
        code = ""
        if heading not in mapping:
            code = NOT_WRITABLE if one is not None and one.refused == NOT_WRITABLE else UNKNOWN
        elif mapping[heading] is None and one is not None and one.refused == COMPUTED:
            code = COMPUTED
        problem = {"code": code, "message": _SAID[code]} if code else None
        samples = [row[place] for row in preview if row[place]][:3]
        line = {"heading": heading, "path": mapping.get(heading), "problem": problem, "samples": samples}
        shown.append(line)
    return shown


def check_mapping(mapping: Mapping[str, Any], headings: Sequence[str], columns: Sequence[Column]) -> None:
    """Refuse a mapping by name: `Forbidden` for a field without the right, `Invalid` for everything else."""
    by_path = {one.path: one for one in columns}
    errors: list[dict[str, str]] = []
    taken: dict[str, str] = {}
    for heading, path in mapping.items():
        if heading not in headings:
            errors.append(_error(heading, "heading_unknown", "文件中没有这一列"))
        elif path is None:
            continue
        elif path not in by_path:
            errors.append(_error(str(path), "unknown_field", "没有这个字段"))
        elif by_path[path].refused == NOT_WRITABLE:
            raise not_writable([by_path[path]])
        elif by_path[path].refused:
            errors.append(_error(path, COMPUTED, "由系统填写, 不能导入"))
        elif path in taken:
            errors.append(_error(path, "column_twice", f"{taken[path]} 与 {heading} 填入同一个字段"))
        else:
            taken[path] = heading
    if errors:
        raise _refused(errors)


def require_settled(
    mapping: Mapping[str, str | None],
    headings: Sequence[str],
    columns: Sequence[Column],
    *,
    creates: bool = True,
) -> None:
    """Refuse to begin while it is open what a column means; nothing is dropped that nobody has given up."""
    lines = described(headings, mapping, columns, [])
    kept_from = [one["heading"] for one in lines if one["problem"] and one["problem"]["code"] == NOT_WRITABLE]
    if kept_from:
        named = {_plain(name) for name in kept_from}
        raise not_writable([one for one in columns if {_plain(one.label), _plain(one.path)} & named])
    errors = [
        _error(one["heading"], UNKNOWN, _SAID[UNKNOWN])
        for one in lines
        if one["problem"] and one["problem"]["code"] == UNKNOWN
    ]
    filled = {path for path in mapping.values() if path}
    if creates:
        errors += [
            _error(one.path, "column_missing", f"缺少必填列: {one.label}")
            for one in columns
            if one.required and not one.refused and one.path not in filled
        ]
    if not filled:
        errors.append(_error("", "nothing_mapped", "没有要导入的列"))
    if errors:
        raise _refused(errors)


def not_writable(columns: Iterable[Column]) -> CreditError:
    """The refusal of fields without the right, by name."""
    listed = list(columns)
    errors = [_error(one.path, NOT_WRITABLE, f"您无权填写 {one.label}") for one in listed]
    names = "、".join(one.label for one in listed)
    field = listed[0].path if listed else ""
    return Forbidden(f"您无权填写该字段: {names}", code=NOT_WRITABLE, errors=errors, field=field)


def _error(field: str, code: str, message: str) -> dict[str, str]:
    return {"field": field, "code": code, "message": message}


def _refused(errors: list[dict[str, str]]) -> Invalid:
    first = errors[0]
    return Invalid(f"列对应有误: {first['field']} {first['message']}", code="mapping_invalid", errors=errors)
