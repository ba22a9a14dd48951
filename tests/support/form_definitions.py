"""Random definitions of forms, all of them valid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_OPTIONS = {
    "options": [{"value": "a", "label": {"zh": "甲"}}, {"value": "b", "label": {"zh": "乙", "en": "B"}}],
}
_PLAIN: dict[str, dict[str, Any]] = {
    "text": {"max_length": 20},
    "textarea": {},
    "number": {"minimum": "-5", "maximum": 10, "decimals": 2},
    "money": {"currency": "USD"},
    "percent": {},
    "date": {"minimum": "2020-01-01"},
    "datetime": {},
    "date_range": {},
    "select": _OPTIONS,
    "multi_select": _OPTIONS,
    "switch": {},
    "region": {"level": "city"},
    "mobile": {},
    "uscc": {},
    "rating": {"stars": 10},
    "tags": {},
    "location": {},
    "auto_number": {"prefix": "HT"},
}
_CONDITIONS = ("1 < 2", "NOT ISEMPTY(f0)", "COUNT(f0) > 0")


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """A definition whose formulas read fields before and behind them, and form no circle."""
    kinds = draw(st.lists(st.sampled_from(sorted(_PLAIN)), min_size=1, max_size=8))
    fields: list[dict[str, Any]] = []
    for place, kind in enumerate(kinds):
        field = {"key": f"f{place}", "label": {"zh": f"字段{place}"}, "type": kind, **_PLAIN[kind]}
        if draw(st.booleans()):
            field["visible_when"] = draw(st.sampled_from(_CONDITIONS))
        if draw(st.booleans()):
            field["required"] = draw(st.booleans())
        fields.append(field)
    for number in range(draw(st.integers(0, 4))):
        reads = [f"COUNT(f{place})" for place in range(len(kinds))]
        reads += [f"c{before}" for before in range(number)]
        text = " + ".join(draw(st.lists(st.sampled_from(reads), min_size=1, max_size=4)))
        computed = {"key": f"c{number}", "label": {"zh": f"计算{number}"}, "type": "formula", "formula": text}
        fields.insert(draw(st.integers(0, len(fields))), computed)
    group = {"key": "g", "label": {"zh": "分组"}, "type": "group", "children": ["f0"]}
    return {
        "key": "random",
        "title": {"zh": "随机"},
        "fields": [*fields, group],
        "checks": [{"when": "COUNT(f0) > 5", "message": {"zh": "太多"}, "field": "f0"}],
    }
