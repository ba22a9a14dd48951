"""A line of the audit trail: what it may say, and that nothing of it can be altered unseen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import lines
from gateway.audit.projection import AUDITED, LEFT_OUT, with_audit

LINE: dict[str, Any] = {
    "place": 1,
    "at": datetime(2026, 3, 1, 8, tzinfo=UTC),
    "source": "gateway",
    "actor": "li",
    "action": "user.change",
    "subject": "wang",
    "detail": {"a": 1},
    "changes": [{"field": "name", "before": "王", "after": "王五"}],
    "address": "10.0.0.1",
    "agent": "curl",
    "trace_id": "t",
    "event_id": None,
}
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=12,
)
_records = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(lambda name: "." not in name), _json, max_size=5
)


def test_whatever_is_altered_in_a_line_alters_its_hash() -> None:
    right = lines.line_hash("before", LINE)
    altered = {name: "else" for name in LINE if name not in ("at", "event_id", "place")}
    others: dict[str, Any] = {
        **altered,
        "place": 2,
        "at": LINE["at"] + timedelta(microseconds=1),
        "event_id": uuid4(),
    }
    assert others.keys() == LINE.keys()
    hashes = {lines.line_hash("before", {**LINE, name: value}) for name, value in others.items()}
    assert len(hashes | {right, lines.line_hash("other", LINE)}) == len(LINE) + 2


@given(_json)
def test_what_a_line_shows_comes_back_from_json_as_it_is(value: Any) -> None:
    shown = lines.shown(value)
    assert json.loads(json.dumps(shown)) == shown
    assert len(json.dumps(shown, ensure_ascii=False)) <= 3_000


@given(_records, _records)
def test_a_difference_names_what_differs_and_nothing_else(before: Any, after: Any) -> None:
    assert lines.difference(before, before) == []
    for change in lines.difference(before, after):
        assert change.get("masked") or change["before"] != change["after"]


def test_secrets_and_masked_fields_are_never_told() -> None:
    before = {"name": "甲", "password_hash": "one", "fields": {"bank_account": "6222 0001", "city": "上海"}}
    after = {"name": "乙", "password_hash": "two", "fields": {"bank_account": "6222 0002", "city": "北京"}}
    masked = frozenset({"bank_account"})
    told = lines.difference(before, after, masked)
    assert told == [
        {"field": "fields.bank_account", "masked": True},
        {"field": "fields.city", "before": "上海", "after": "北京"},
        {"field": "name", "before": "甲", "after": "乙"},
        {"field": "password_hash", "masked": True},
    ]
    shown = json.dumps(lines.shown({"input": [after], "api_token": "x1", "secret": None}, masked))
    assert "6222" not in shown
    assert "two" not in shown
    assert "x1" not in shown


def test_hidden_values_are_remembered_as_fingerprints_that_show_a_change() -> None:
    masked = frozenset({"bank_account"})
    one, two = ({"bank_account": number, "city": "上海"} for number in ("6222", "6223"))
    first, second = (lines.fingerprinted(record, masked, "salt") for record in (one, two))
    assert "6222" not in json.dumps(first)
    assert lines.difference(first, second, masked) == [{"field": "bank_account", "masked": True}]
    assert lines.difference(first, lines.fingerprinted(one, masked, "salt"), masked) == []


def test_what_is_hidden_inside_lists_is_hidden_as_well() -> None:
    masked = frozenset({"phone"})
    one, two = ({"contacts": [{"name": "王", "phone": phone}]} for phone in ("138001", "138002"))
    kept, now = (lines.fingerprinted(record, masked, "salt") for record in (one, two))
    assert "13800" not in json.dumps([kept, now])
    for told in (lines.difference(one, two, masked), lines.difference(kept, now, masked)):
        assert [change["field"] for change in told] == ["contacts"]
        assert "13800" not in json.dumps(told)
        assert "王" in json.dumps(told, ensure_ascii=False)


def test_what_fills_the_trail_is_cut() -> None:
    assert lines.short("x" * 5_000) == {"begins": "x" * 300, "length": 5_000}


def test_handlers_that_were_there_still_run() -> None:
    joined = with_audit({"workflow": {"task_created": print, "other": print}})
    assert joined["workflow"]["other"] is print
    assert joined["workflow"]["task_created"] is not print
    assert joined.keys() == AUDITED.keys()
    assert not {(source, name) for source in LEFT_OUT for name in LEFT_OUT[source] if name in AUDITED[source]}
