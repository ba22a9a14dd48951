"""The rules of a customer's record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import Conflict
from services.customer import customers

RECORD: dict[str, Any] = {
    "id": UUID(int=1), "code": "C-1", "name": "甲", "uscc": None, "group_id": None, "region": "北京",
    "salesperson": "wang", "department": None, "contacts": [], "fields": {"a": "1", "b": "2"}, "version": 3,
    "updated_by": "li", "updated_at": datetime(2026, 3, 1, tzinfo=UTC), "credit_status": "unset",
    "exposure": "0", "tags": [], "credit_review_on": None, "list_kind": None, "list_reason": None,
}  # fmt: skip
VALUES = st.none() | st.text(max_size=3)


def test_core_fields_replace_and_form_fields_are_laid_over() -> None:
    after = customers.merged(RECORD, {"region": None, "fields": {"b": None, "c": "3"}})
    assert after["region"] is None
    assert after["name"] == "甲"
    assert after["fields"] == {"a": "1", "c": "3"}


@given(st.dictionaries(st.sampled_from("abcde"), VALUES), st.sampled_from(["北京", "上海", None]))
def test_the_differences_are_exactly_what_turns_before_into_after(
    values: dict[str, Any], region: str | None
) -> None:
    after = customers.merged(RECORD, {"region": region, "fields": values})
    found = customers.differences(RECORD, after, {"a": "甲字段"})
    rebuilt = {**RECORD, "fields": dict(RECORD["fields"])}
    for change in found:
        target, key = (
            (rebuilt["fields"], change["field"][7:]) if "." in change["field"] else (rebuilt, change["field"])
        )
        assert target.get(key) == change["before"] != change["after"]
        target[key] = change["after"]
    rebuilt["fields"] = {key: value for key, value in rebuilt["fields"].items() if value is not None}
    assert {name: rebuilt[name] for name in (*customers.CORE, "fields")} == after


def test_what_did_not_change_has_no_differences() -> None:
    assert customers.differences(RECORD, customers.merged(RECORD, {}), {}) == []


def test_a_change_without_a_version_or_on_the_same_one_is_let_through() -> None:
    customers.check_version(RECORD, None)
    customers.check_version(RECORD, 3)
    with pytest.raises(Conflict, match="li"):
        customers.check_version(RECORD, 2)


@pytest.mark.parametrize("changes", [{"credit_status": "frozen"}, {"exposure": "0.01"}, {"exposure": "-1"}])
def test_a_customer_with_credit_or_debt_may_not_go(changes: dict[str, Any]) -> None:
    customers.check_deletable(RECORD)
    with pytest.raises(Conflict):
        customers.check_deletable({**RECORD, **changes})


def test_events_tell_nothing_that_another_service_decides() -> None:
    told = customers.snapshot({**RECORD, "created_at": RECORD["updated_at"], "credit_limit": "1"})
    assert set(told) == {
        *customers.CORE, "id", "fields", "version", "created_at", "list_kind", "list_reason"
    }  # fmt: skip
