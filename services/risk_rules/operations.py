"""What can be done with rules and ratings, and what they do when others tell of customers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.duties import require_other_author
from services.common.errors import Conflict, Invalid, NotFound
from services.common.events import Event
from services.common.expressions import to_text
from services.common.ids import new_id
from services.common.paging import page
from services.common.templates import filled
from services.risk_rules import events, model, store
from services.risk_rules.rules import (
    Behaviour,
    checked_definition,
    fires,
    given_facts,
    grade_of,
    score,
)

_TEXTS = ("subject", "body", "title")
_META = ("key", "version", "rule")
# What is known of a customer of whom no event has come yet.
_NOBODY = {"name": "", "code": "", "salesperson": None, "department": None}


def rule_view(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as answered: its draft, and which version is in force."""
    names = ("id", "key", "published_version", "version", "author", "updated_at")
    return {**{name: rule[name] for name in names}, **rule["draft"]}


def create_rule(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make a rule as a draft; it has no effect until it is published."""
    rule = {
        "id": new_id(),
        "key": received["key"],
        "draft": _definition(received),
        "published_version": None,
        "version": 1,
        "author": work.caller.actor,
        "updated_at": work.now,
    }
    if not store.add_rule(work, rule):
        raise Conflict(f"规则 {received['key']} 已存在", code="rule_taken")
    return rule_view(rule)


def change_rule(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change a rule's draft; what is published stays in force."""
    rule = _require(work, received["rule"], locked=True)
    if received.get("version") not in (None, rule["version"]):
        raise Conflict("规则已被他人修改, 请刷新后再试", code="stale_version", version=rule["version"])
    values = {
        "draft": _definition(received),
        "version": rule["version"] + 1,
        "author": work.caller.actor,
        "updated_at": work.now,
    }
    store.change_rule(work, rule["id"], values)
    return rule_view(rule | values)


def publish_rule(work: UnitOfWork, key: str) -> dict[str, Any]:
    """Put a rule's draft in force as a new, unchangeable version."""
    rule = _require(work, key, locked=True)
    require_other_author(work.caller, rule["author"])
    version = (rule["published_version"] or 0) + 1
    store.add_version(
        work,
        {
            "rule_id": rule["id"],
            "version": version,
            "definition": rule["draft"],
            "published_at": work.now,
            "published_by": work.caller.actor,
        },
    )
    store.change_rule(work, rule["id"], {"published_version": version})
    events.rule_published(work, rule, version, rule["draft"])
    return rule_view(rule | {"published_version": version})


def get_rule(work: UnitOfWork, key: str) -> dict[str, Any]:
    """One rule with its published versions."""
    rule = _require(work, key)
    return {**rule_view(rule), "versions": store.versions_of(work, rule["id"])}


def list_rules(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of rules by key."""
    return page(
        work,
        store.rules_listed(),
        received,
        sort={"key": model.rules.c.key},
        key=model.rules.c.id,
        default_sort="key",
        to_item=rule_view,
    )


def try_rule(work: UnitOfWork, key: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a rule's draft would do in one case, without any effect."""
    draft = _require(work, key)["draft"]
    given = given_facts(draft["trigger"], facts)
    fired = fires(draft, given)
    read = {name: given.get(name) for name in draft.get("reads", ())}
    shown = ", ".join(f"{name} = {value}" for name, value in read.items())
    word = "成立" if fired else "不成立"
    return {
        "fired": fired,
        "actions": draft["actions"] if fired else [],
        "explanation": f"{to_text(draft['condition'])} {word} ({shown})",
    }


def list_firings(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the firings of a rule, newest first."""
    rule = _require(work, received["rule"])
    return page(
        work,
        store.episodes_of_rule(work, rule["key"]),
        received,
        sort={"fired_at": model.episodes.c.fired_at},
        key=model.episodes.c.id,
        default_sort="-fired_at",
    )


# --- what others tell ------------------------------------------------------------------------------------


def customer_changed(work: UnitOfWork, event: Event) -> None:
    """Keep the copy of a customer; a new one gets its first rating."""
    customer = event.data["customer"]
    store.save_customer(work, customer)
    customer_id = UUID(str(customer["id"]))
    if store.rating_of(work, customer_id) is None:
        _rate(work, customer_id, Behaviour(), work.local_date)


def customer_aged(work: UnitOfWork, event: Event) -> None:
    """A customer is overdue today: fire the rules whose condition has become true, end the others."""
    data = event.data
    on = date.fromisoformat(data["business_date"])
    facts = {
        "max_days_overdue": Decimal(data["max_days_overdue"]),
        "overdue_amount": Decimal(data["overdue_amount"]),
        "currency": data["currency"],
    }
    told = {
        **{name: data.get(name) for name in ("customer_name", "customer_code", "salesperson", "items")},
        **{name: data[name] for name in ("max_days_overdue", "overdue_amount", "currency")},
    }
    _follow(work, event, "overdue", UUID(str(data["customer_id"])), facts, told, on)


def account_changed(work: UnitOfWork, event: Event) -> None:
    """An account has moved: end overdue episodes that are cured, and follow the utilisation rules."""
    account = event.data["account"]
    customer_id = UUID(str(account["customer_id"]))
    on = date.fromisoformat(account["business_date"])
    overdue = {
        "max_days_overdue": Decimal(account["overdue"]["max_days"]),
        "overdue_amount": Decimal(account["overdue"]["amount"]),
        "currency": account["currency"],
    }
    running = store.open_episodes(work, customer_id)
    _follow(work, event, "overdue", customer_id, overdue, {}, on, running=running, only_end=True)
    used = account["utilisation"]
    facts = {
        "utilisation": None if used is None else Decimal(used),
        "exposure": Decimal(account["exposure"]["total"]),
        "limit": None if account["limit"] is None else Decimal(account["limit"]),
        "state": account["state"],
    }
    told = {"utilisation_percent": "" if used is None else f"{Decimal(used) * 100:.1f}%"}
    _follow(work, event, "utilisation", customer_id, facts, told, on, running=running)


def payment_recorded(work: UnitOfWork, event: Event) -> None:
    """Learn from a payment how the customer pays, and rate anew."""
    _learn(work, event, 1)


def payment_reversed(work: UnitOfWork, event: Event) -> None:
    """A reversed payment shows nothing; its allocations are told empty, so only the rating is renewed."""
    payment = event.data["payment"]
    _rerate(work, UUID(str(payment["customer_id"])), date.fromisoformat(payment["paid_at"]))


def _learn(work: UnitOfWork, event: Event, sign: int) -> None:
    payment = event.data["payment"]
    customer_id = UUID(str(payment["customer_id"]))
    paid = on_time = amount_days = Decimal(0)
    for part in event.data["allocations"]:
        if not part["due_date"]:
            continue
        amount = Decimal(part["amount"])
        late = (date.fromisoformat(part["allocated_on"]) - date.fromisoformat(part["due_date"])).days
        paid += amount
        on_time += amount if late <= 0 else 0
        amount_days += amount * max(0, late)
    if paid:
        store.add_behaviour(
            work, customer_id, payment["currency"], sign * paid, sign * on_time, sign * amount_days
        )
        _rerate(work, customer_id, date.fromisoformat(payment["paid_at"]))


def _rerate(work: UnitOfWork, customer_id: UUID, on: date) -> None:
    row = store.behaviour_of(work, customer_id)
    if row is not None:
        _rate(work, customer_id, Behaviour(row["paid"], row["paid_on_time"], row["amount_days_late"]), on)


def _follow(
    work: UnitOfWork,
    event: Event,
    trigger: str,
    customer_id: UUID,
    facts: Mapping[str, Any],
    told: Mapping[str, Any],
    on: date,
    *,
    running: Mapping[str, Any] | None = None,
    only_end: bool = False,
) -> None:
    """Fire a rule once when its condition becomes true, and end its episode once it is false."""
    rules = work.remembered(f"rules:{trigger}", lambda: store.published(work, trigger))
    if not rules:
        return
    if running is None:
        running = store.open_episodes(work, customer_id)
    for rule in rules:
        episode = running.get(rule["key"])
        true_now = fires(rule["definition"], facts)
        if episode is not None and not true_now:
            # Read again from the beginning, what was before an episode does not end it.
            if event.sequence > episode["first_sequence"]:
                store.end_episode(work, episode, on, event.sequence)
        elif (
            episode is None
            and true_now
            and not (only_end or store.is_known(work, rule["key"], customer_id, event.sequence))
        ):
            _fire(work, event, rule, customer_id, {**facts, **told}, on)


def _fire(
    work: UnitOfWork,
    event: Event,
    rule: Mapping[str, Any],
    customer_id: UUID,
    facts: Mapping[str, Any],
    on: date,
) -> None:
    customer = store.find_customer(work, customer_id) or _NOBODY
    number = store.next_number(work, rule["key"], customer_id)
    known = {
        **facts,
        "customer_name": customer["name"],
        "customer_code": customer["code"],
        "business_date": on.isoformat(),
    }
    plain = {name: str(value) if isinstance(value, Decimal) else value for name, value in known.items()}
    store.add_episode(
        work,
        {
            "id": new_id(),
            "rule_key": rule["key"],
            "rule_version": rule["version"],
            "customer_id": customer_id,
            "number": number,
            "facts": plain,
            "began_on": on,
            "fired_at": work.now,
            "first_sequence": event.sequence,
        },
    )
    events.rule_fired(
        work,
        customer_id,
        {
            "rule_key": rule["key"],
            "rule_version": rule["version"],
            "customer_name": customer["name"],
            "customer_code": customer["code"],
            "salesperson": customer["salesperson"],
            "department": customer["department"],
            "episode": number,
            "business_date": on,
            "facts": plain,
            "actions": [_filled_action(action, plain) for action in rule["definition"]["actions"]],
        },
    )


def _filled_action(action: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    items = facts.get("items") or []
    lines = "\n".join(
        f"{item['invoice_no']}  到期 {item['due_date']}  未清 {item['open_amount']}  "
        f"逾期 {item['days_overdue']} 天"
        for item in items
    )
    known = {**facts, "item_lines": lines}
    done = {name: filled(value, known) if isinstance(value, str) else value for name, value in action.items()}
    # Whoever may not see all of the facts gets a text of their own, made of the others.
    templates = {name: action[name] for name in _TEXTS if isinstance(action.get(name), str)}
    return {**done, "templates": templates, "item_lines": lines}


# --- ratings ---------------------------------------------------------------------------------------------


def get_rating(work: UnitOfWork, customer_id: UUID) -> dict[str, Any]:
    """The rating of a customer."""
    rating = store.rating_of(work, customer_id)
    if rating is None or store.customer_seen(work, customer_id) is None:
        raise NotFound("该客户还没有评级")
    return rating


def rate_by_person(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A grade that a person gives; behaviour does not change it until it is given up."""
    if received["grade"] not in "ABCDE":
        raise Invalid("信用等级应为 A 到 E", code="grade")
    if store.customer_seen(work, received["customer_id"]) is None:
        raise NotFound("没有这个客户")
    rating = {
        "customer_id": received["customer_id"],
        "grade": received["grade"],
        "score": 0,
        "by_person": True,
        "rated_on": work.local_date,
        "reasons": [received["reason"]],
    }
    store.save_rating(work, rating)
    events.customer_rated(work, rating)
    return rating


def _rate(work: UnitOfWork, customer_id: UUID, behaviour: Behaviour, on: date) -> None:
    kept = store.rating_of(work, customer_id)
    if kept is not None and kept["by_person"]:
        return
    points, reasons = score(behaviour)
    rating = {
        "customer_id": customer_id,
        "grade": grade_of(points),
        "score": points,
        "by_person": False,
        "rated_on": on,
        "reasons": reasons,
    }
    if kept is None or kept["score"] != points:
        store.save_rating(work, rating)
    if kept is None or kept["grade"] != rating["grade"]:
        events.customer_rated(work, rating)


def _definition(received: Mapping[str, Any]) -> dict[str, Any]:
    return checked_definition({name: value for name, value in received.items() if name not in _META})


def _require(work: UnitOfWork, key: str, *, locked: bool = False) -> dict[str, Any]:
    rule = store.find_rule(work, key, locked=locked)
    if rule is None:
        raise NotFound("没有这条规则")
    return rule
