"""Credit accounts: what a customer may owe, owes, and why it may owe no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound
from services.common.events import Event
from services.common.ids import new_id
from services.common.money import ceiling, format_amount
from services.limits import events, ledger, store
from services.limits.deciding import BLACKLIST
from services.limits.figures import figures
from services.limits.operations import dates, exchange, horizon
from services.limits.operations.payment_terms import term_in_force
from services.limits.standing import Balance, Standing, currencies_needed, stand
from services.limits.terms import term_view

PERSON = "person"
_IDS, _CODES = ("customer_id", "payer_id"), ("customer_code", "payer_code")
# How a document names whom it concerns.
PARTIES = (*_IDS, *_CODES)


def require_customer(
    work: UnitOfWork,
    customer_id: UUID | None,
    code: str | None = None,
    document: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An active customer that the caller's right reaches; `NotFound` with code `unknown_customer`.

    One who was merged into another is that other.

    `document` is what is to be recorded of the customer: grants may go by its amount and currency.
    """
    customer = store.find_customer(work, customer_id, code) or store.find_merged(work, customer_id, code)
    missing = NotFound("没有这个客户", code="unknown_customer")
    if customer is None:
        raise missing
    store.require_customer_seen(work, customer, missing, document or {})
    return customer


def require_parties(
    work: UnitOfWork, received: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The customer that a document names, and the payer where it names one; both active, else `NotFound`."""
    customer = require_customer(work, received.get("customer_id"), received.get("customer_code"), received)
    if received.get("payer_id") is None and received.get("payer_code") is None:
        return customer, None
    return customer, require_customer(work, received.get("payer_id"), received.get("payer_code"), received)


def lock_customers_of(work: UnitOfWork, items: Iterable[Mapping[str, Any]]) -> list[UUID]:
    """The customers and payers that documents name by id or by code. Locks their rows."""
    found = list(items)
    codes = [item[name] for item in found for name in _CODES if item.get(name)]
    by_code = store.customers_by_code(work, codes) if codes else {}
    ids = {item[name] for item in found for name in _IDS if item.get(name)} | set(by_code.values())
    return list(store.lock_customers(work, ids))


def knows_customers(work: UnitOfWork, named: Iterable[tuple[str, str]]) -> bool:
    """Whether every customer named by (one of `PARTIES`, value) is here."""
    codes = {value for name, value in named if name in _CODES}
    ids = set()
    for name, value in named:
        if name in _IDS:
            try:
                ids.add(UUID(value))
            except ValueError:
                continue
    return store.count_customers(work, ids, codes) == len(ids) + len(codes)


def get_account(work: UnitOfWork, customer_id: UUID) -> dict[str, Any]:
    """A customer's credit account in API.md's shape, as it is now."""
    require_customer(work, customer_id)
    return account_view(work, customer_id)


@dataclass(frozen=True)
class Account:
    """What an account is shown from, on a date: rows of grants, guarantees and freezes, and by currency
    the stages of its pools, what of it is beyond the credit horizon, and what is overdue. Rates count as
    they were `known_at` an instant."""

    on: date
    grants: Sequence[Mapping[str, Any]]
    guarantees: Sequence[Mapping[str, Any]]
    freezes: Sequence[Mapping[str, Any]]
    stages: Mapping[str, ledger.Stages]
    beyond: Mapping[str, Decimal]
    overdue: Mapping[str, ledger.Overdue]
    known_at: datetime | None = None


def account_view(work: UnitOfWork, customer_id: UUID) -> dict[str, Any]:
    """The account of a customer who is known to be there."""
    on = dates.today(work)
    pools = {row["currency"]: row for row in store.customer_pools(work, customer_id)}
    account = Account(
        on=on,
        grants=store.grants_of(work, customer_id),
        guarantees=store.guarantees_of(work, customer_id),
        freezes=store.open_freezes(work, customer_id),
        stages={
            currency: ledger.Stages(pool["reserved"], pool["delivered"], pool["receivable"])
            for currency, pool in pools.items()
        },
        beyond={currency: horizon.beyond(work, customer_id, currency) for currency in pools},
        overdue={
            currency: ledger.overdue_of(store.overdue_items(work, customer_id, currency, on))
            for currency in pools
        },
    )
    return show(work, customer_id, account)


def show(work: UnitOfWork, customer_id: UUID, account: Account) -> dict[str, Any]:
    """An account in API.md's shape: the customer's overall pool in the currency of its limit at the top."""
    top = currency_of(account.grants, account.stages, account.on, work.base_currency)
    balances = {
        currency: Balance(stages, account.beyond.get(currency, ledger.ZERO))
        for currency, stages in account.stages.items()
    }
    standing = standing_in(
        work, top, account.grants, account.guarantees, balances, account.on, account.known_at
    )
    shown = {
        **figures(standing, frozen=bool(account.freezes)),
        "overdue": _overdue(work, top, account),
    }
    return {
        "customer_id": customer_id,
        **shown,
        "frozen": bool(account.freezes),
        "freezes": [{name: row[name] for name in ("source", "reason", "since")} for row in account.freezes],
        "payment_term_days": standing.limit.term_days,
        "payment_term": term_view(term_in_force(account.grants, top, account.on)),
        "business_date": account.on,
        "pools": [{"kind": "customer", "key": str(customer_id), "segment": None, **shown}],
    }


def standing_in(
    work: UnitOfWork,
    currency: str,
    grant_rows: Iterable[Mapping[str, Any]],
    guarantee_rows: Iterable[Mapping[str, Any]],
    balances: Mapping[str, Balance],
    on: date | None = None,
    known_at: datetime | None = None,
) -> Standing:
    """How a pool stands in a currency on a date (the business date), by the rates known at an instant."""
    grants, guarantees = store.as_grants(grant_rows), store.as_guarantees(guarantee_rows)
    on = on or dates.today(work)
    needed = currencies_needed(currency, on, grants, guarantees, balances)
    return stand(currency, grants, guarantees, balances, exchange.rates_for(work, needed, on, known_at))


def _overdue(work: UnitOfWork, currency: str, account: Account) -> dict[str, Any]:
    """What is overdue in all currencies, rounded up; an amount without a rate is left out, its days count."""
    late = {each: overdue for each, overdue in account.overdue.items() if overdue.amount}
    rates = exchange.rates_for(work, {currency, *late}, account.on, account.known_at)
    held = {each: Balance(ledger.Stages(receivable=overdue.amount)) for each, overdue in late.items()}
    total = stand(currency, (), (), held, rates).stages.total
    days = (overdue.max_days(account.on) for overdue in account.overdue.values())
    return {"amount": format_amount(ceiling(total, currency), currency), "max_days": max(days, default=0)}


def currency_of(grant_rows: Iterable[Mapping[str, Any]], pools: Iterable[str], on: date, default: str) -> str:
    """The currency of a pool's limit: of the base grant in force, else of another in force, else of the last.

    A pool that never had a limit is told in a currency that it holds, else in the default.
    """
    rows = list(grant_rows)
    in_force = [row for row, grant in zip(rows, store.as_grants(rows), strict=True) if grant.is_valid(on)]
    bases = [row for row in in_force if row["kind"] == "base"]
    for row in (*bases, *in_force, *rows):
        return str(row["currency"])
    return next(iter(sorted(pools)), default)


def tell_accounts(work: UnitOfWork, customer_ids: Iterable[UUID]) -> None:
    """Publish the accounts that a unit of work has changed, once each, as they are in the end."""
    store.book_of(work).tell(customer_ids, _publish_accounts)


def _publish_accounts(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    # Nobody changes an account between what is told of it and the commit: the last told is the last there is.
    store.lock_customers(work, customer_ids)
    read_accounts(work, customer_ids)
    for customer_id in customer_ids:
        events.account_changed(work, account_view(work, customer_id))


def read_accounts(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    """Hold what every check and view of these accounts reads."""
    with store.together(work):
        store.read_grants(work, customer_ids)
        store.read_guarantees(work, customer_ids)
        store.read_customer_pools(work, customer_ids)
        store.read_open_freezes(work, customer_ids)
        store.read_overdue(work, customer_ids, dates.today(work))
    horizon.foresee(work, customer_ids)


# --- freezes ---------------------------------------------------------------------------------------------


def freeze_by_person(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Stop new credit for a customer until a person lifts it; 409 when a person froze it already."""
    customer = require_customer(work, received["customer_id"])
    store.lock_customers(work, [customer["id"]])
    if not freeze(work, customer["id"], PERSON, received["reason"]):
        raise Conflict("客户已被人工冻结", code="already_frozen")
    tell_accounts(work, [customer["id"]])
    return account_view(work, customer["id"])


def unfreeze_by_person(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Lift every freeze of a customer, whoever set it, but the black list's; 409 when there is none."""
    customer = require_customer(work, received["customer_id"])
    store.lock_customers(work, [customer["id"]])
    frozen = store.open_freezes(work, customer["id"])
    found = [row for row in frozen if row["source"] != BLACKLIST]
    if frozen and not found:
        raise Conflict("客户在黑名单中, 请先移出黑名单", code="customer_blacklisted")
    if not found:
        raise Conflict("客户没有被冻结", code="not_frozen")
    lift(work, found, received["reason"])
    tell_accounts(work, [customer["id"]])
    return account_view(work, customer["id"])


def list_freezes(work: UnitOfWork, customer_id: UUID) -> dict[str, Any]:
    """Every freeze of a customer, newest first."""
    require_customer(work, customer_id)
    return {"items": store.freezes_of(work, customer_id), "next": None}


def cure_freezes(work: UnitOfWork, customer_id: UUID) -> bool:
    """Lift the freezes whose cause is gone, in the transaction that cured it; a person's freeze stays."""
    cured = [row for row in store.open_freezes(work, customer_id) if row["cure"]]
    if not cured:
        return False
    days = max_days_overdue(work, customer_id)
    cured = [row for row in cured if ledger.is_cured(row["cure"], days)]
    if cured:
        lift(work, cured, "逾期款项已结清")
    return bool(cured)


def max_days_overdue(work: UnitOfWork, customer_id: UUID) -> int:
    """The days overdue of the customer's oldest open item, in any currency, on the business date."""
    on = dates.today(work)
    items = [
        item
        for pool in store.customer_pools(work, customer_id)
        for item in store.overdue_items(work, customer_id, pool["currency"], on)
    ]
    return max((ledger.days_overdue(item.due_date, on) for item in items), default=0)


def follow_blacklist(work: UnitOfWork, customer_id: UUID, reason: str | None) -> None:
    """Freeze a customer for as long as it is on the black list, for the reason given there; it is locked."""
    known = [row for row in store.open_freezes(work, customer_id) if row["source"] == BLACKLIST]
    if [row["reason"] for row in known] == ([] if reason is None else [reason]):
        return
    if known:
        lift(work, known, "移出黑名单" if reason is None else "黑名单原因已变更")
    if reason is not None:
        freeze(work, customer_id, BLACKLIST, reason)
    tell_accounts(work, [customer_id])


def freeze(
    work: UnitOfWork,
    customer_id: UUID,
    source: str,
    reason: str,
    cure: Mapping[str, Any] | None = None,
    episode: str | None = None,
) -> bool:
    """Freeze a customer, who is locked; False when that source has frozen it already."""
    on = dates.today(work)
    row = {
        "id": new_id(),
        "customer_id": customer_id,
        "source": source,
        "episode": episode,
        "reason": reason,
        "cure": None if cure is None else dict(cure),
        "since": on,
        "frozen_by": work.caller.actor,
        "frozen_at": work.now,
    }
    if not store.add_freeze(work, row):
        return False
    events.freeze_changed(work, "customer_frozen", row, on, reason)
    return True


def lift(work: UnitOfWork, freezes: list[dict[str, Any]], reason: str) -> None:
    """End freezes of a customer, who is locked."""
    on = dates.today(work)
    store.lift_freezes(work, [row["id"] for row in freezes], on, reason)
    for row in freezes:
        events.freeze_changed(work, "customer_unfrozen", row, on, reason)


# --- what others tell ------------------------------------------------------------------------------------


def rule_fired(work: UnitOfWork, event: Event) -> None:
    """A rule asks for a freeze: set it, unless what it fired for is cured meanwhile."""
    wanted = [action for action in event.data["actions"] if action["kind"] == "freeze"]
    if not wanted:
        return
    customer_id = UUID(str(event.data["customer_id"]))
    if customer_id not in store.lock_customers(work, [customer_id]):
        raise NotFound("没有这个客户", code="unknown_customer")
    days = max_days_overdue(work, customer_id)
    episode = str(event.data.get("episode") or "")
    frozen = [
        freeze(work, customer_id, action["source"], action["reason"], action.get("cure"), episode)
        for action in wanted
        if not ledger.is_cured(action.get("cure"), days)
        # An episode freezes once: what a person lifted stays lifted when it is read of again.
        and not (episode and store.was_frozen_for(work, customer_id, action["source"], episode))
    ]
    if any(frozen):
        tell_accounts(work, [customer_id])


def rule_published(work: UnitOfWork, event: Event) -> None:
    """Keep the copy of an order-check rule, so that the check needs no call to anybody."""
    rule = event.data["rule"]
    if rule["trigger"] == "order_check":
        active = rule.get("active", True) is not False
        store.save_rule(work, rule["key"], int(rule["version"]), active, rule)
