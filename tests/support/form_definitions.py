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


def field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"zh": key}, "type": kind, **more}


# What is wrong, the fields, and the place and code that it is refused with.
BAD_FIELDS: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "circle": (
        [field("a", "formula", formula="b + 1"), field("b", "formula", formula="a + 1")],
        "fields.0.formula",
        "cycle",
    ),
    "circle of itself": ([field("a", "formula", formula="a + 1")], "fields.0.formula", "cycle"),
    "unknown type": ([field("a", "text"), field("b", "hologram")], "fields.1.type", "type_unknown"),
    "missing field": (
        [field("a", "formula", formula="1 + 没有")],
        "fields.0.formula",
        "unknown_field",
    ),
    "condition on a missing field": (
        [field("a", "text", visible_when="没有 > 1")],
        "fields.0.visible_when",
        "unknown_field",
    ),
    "formula of another type": (
        [field("a", "text"), field("b", "formula", formula="a * 2")],
        "fields.1.formula",
        "wrong_type",
    ),
    "no expression": ([field("a", "formula", formula="1 +")], "fields.0.formula", "syntax"),
    "pattern": ([field("a", "text", pattern={"regex": "(x"})], "fields.0.pattern.regex", "pattern_invalid"),
    "pattern that looks back": (
        [field("a", "text", pattern={"regex": r"(a)\1"})],
        "fields.0.pattern.regex",
        "pattern_invalid",
    ),
    "key twice": (
        [field("a", "text"), field("b", "text"), field("a", "number")],
        "fields.2.key",
        "key_twice",
    ),
    "unknown setting": ([field("a", "text", colour="red")], "fields.0.colour", "unknown_field"),
    "1,000 fields": ([field(f"f{place}", "number") for place in range(1_000)], "fields", "too_many_fields"),
    "empty range": ([field("a", "number", minimum=2, maximum=1)], "fields.0.minimum", "range_empty"),
}
