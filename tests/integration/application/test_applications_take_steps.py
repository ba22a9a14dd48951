"""The life of an application: which step leads where, what each tells, and what a repeated step does."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from services.application.applications import STEPS
from services.common.errors import Conflict, Invalid
from tests.integration.application.conftest import Desk

# How an application comes into each of its states.
WAYS: dict[str, tuple[str, ...]] = {
    "draft": (),
    "in_approval": ("submit",),
    "returned": ("submit", "return"),
    "granting": ("submit", "grant"),
    "effective": ("submit", "grant", "take_effect"),
    "rejected": ("submit", "reject"),
    "withdrawn": ("submit", "withdraw"),
    "grant_failed": ("submit", "grant", "fail"),
}


def go(desk: Desk, application_id: str, step: str) -> Any:
    """Take a step, as whoever takes it."""
    if step in ("submit", "withdraw"):
        return desk.ask(f"{step}_application", application_id=application_id)
    return desk.step(application_id, step)


@pytest.mark.parametrize("state", WAYS)
def test_a_step_leads_on_from_its_states_and_is_a_conflict_from_all_others(desk: Desk, state: str) -> None:
    for step, (sources, target) in STEPS.items():
        made = desk.draft()["id"]
        for earlier in WAYS[state]:
            go(desk, made, earlier)
        before = desk.ask("get_application", application_id=made)
        assert before["status"] == state
        of_the_flow = step not in ("submit", "withdraw")
        if state in sources:
            assert go(desk, made, step)["status"] == target
        elif of_the_flow and state == target:
            assert go(desk, made, step)["version"] == before["version"], "asked twice, done once"
        else:
            method = "take_step" if of_the_flow else f"{step}_application"
            with pytest.raises(Conflict) as refusal:
                go(desk, made, step)
            assert (refusal.value.code, refusal.value.data) == ("wrong_state", {"state": state}), method
            assert desk.ask("get_application", application_id=made) == before


@pytest.mark.parametrize("state", [state for state in WAYS if state not in ("draft", "returned")])
def test_only_a_draft_or_a_returned_application_is_changed(desk: Desk, state: str) -> None:
    made = desk.draft()["id"]
    for step in WAYS[state]:
        go(desk, made, step)
    problem = desk.refused("change_application", application_id=made, amount="2.00", currency="CNY")
    assert (type(problem), problem.code, problem.data) == (Conflict, "wrong_state", {"state": state})


def test_a_returned_application_is_changed_and_submitted_anew(desk: Desk) -> None:
    made = desk.draft()["id"]
    first = go(desk, made, "submit")
    assert first["submission"] == 1
    go(desk, made, "return")
    desk.ask("change_application", application_id=made, amount="800.00", currency="CNY", reason="减少")
    second = go(desk, made, "submit")
    assert (second["submission"], second["amount"], second["approved"]) == (2, "800.00", None)
    found = desk.ask("get_application", application_id=made)
    actions = [(line["action"], line["status"], line["actor"]) for line in found["history"]]
    assert actions == [
        ("create", "draft", "mia"),
        ("submit", "in_approval", "mia"),
        ("return", "returned", "service:workflow"),
        ("change", "returned", "mia"),
        ("submit", "in_approval", "mia"),
    ]


def test_every_step_is_told_once_in_its_order_with_the_whole_application(desk: Desk) -> None:
    made = desk.draft()["id"]
    for step in ("submit", "return", "submit", "grant", "grant", "take_effect", "take_effect"):
        go(desk, made, step)
    assert desk.told(made) == [
        ("created", "draft", 1),
        ("submitted", "in_approval", 2),
        ("changed", "returned", 3),
        ("submitted", "in_approval", 4),
        ("changed", "granting", 5),
        ("changed", "effective", 6),
    ]


def test_what_was_approved_stays_with_the_application(desk: Desk) -> None:
    made, instance = desk.draft()["id"], str(uuid4())
    go(desk, made, "submit")
    approved = {"amount": "700.00", "currency": "CNY", "term_days": 15}
    granting = desk.step(made, "grant", approved=approved, instance_id=instance)
    assert (granting["approved"], granting["instance_id"]) == (approved, instance)
    assert desk.step(made, "fail", problem="账户已冻结")["problem"] == "账户已冻结"
    effective = desk.step(made, "take_effect", approved=approved)
    assert (effective["amount"], effective["approved"], effective["status"]) == (
        "1000.00", approved, "effective",
    )  # fmt: skip


def test_the_flow_takes_no_step_that_is_the_initiators_or_nobodys(desk: Desk) -> None:
    made = desk.draft()["id"]
    for step in ("submit", "withdraw", "approve", "draft"):
        with pytest.raises(Invalid) as refusal:
            desk.step(made, step)
        assert (refusal.value.code, refusal.value.errors[0]["field"]) == ("step_unknown", "step")
