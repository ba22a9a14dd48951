"""What flows keep of others: people, departments, customers; and the to-dos that rules ask for."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.events import Event
from services.workflow import store
from services.workflow.operations.helping import reassign_from
from services.workflow.operations.instances import start_for_record
from services.workflow.operations.todos import DUE_DAYS, add_todo, close_todos
from services.workflow.people import ADMIN_ROLE

_ROLE = "role:"


def user_changed(work: UnitOfWork, event: Event) -> None:
    """Keep the copy of a user; what somebody who has left still had to do goes to others."""
    user = event.data["user"]
    store.save_user(work, user)
    if not user["active"]:
        reassign_from(work, user["username"])


def duties_changed(work: UnitOfWork, event: Event) -> None:
    """Keep what the installation allows beyond its rights."""
    store.save_duties(work, event.data["duties"])


def department_changed(work: UnitOfWork, event: Event) -> None:
    """Keep the copy of a department."""
    store.save_department(work, event.data["department"])


def customer_changed(work: UnitOfWork, event: Event) -> None:
    """Keep a customer's name and owner."""
    customer = event.data["customer"]
    values = {"name": customer["name"], "salesperson": customer.get("salesperson")}
    store.save_customer(work, UUID(str(customer["id"])), values)


def customer_created(work: UnitOfWork, event: Event) -> None:
    """A new customer starts the flow that is bound to that, if any."""
    customer_changed(work, event)
    start_for_record(work, event)


def account_changed(work: UnitOfWork, event: Event) -> None:
    """Keep how a customer's account stands."""
    account = event.data["account"]
    names = ("limit", "exposure", "available", "overdue", "state", "currency")
    kept = {name: account.get(name) for name in names}
    store.save_customer(work, UUID(str(account["customer_id"])), {"account": kept})


def exchange_rates_set(work: UnitOfWork, event: Event) -> None:
    """Keep exchange rates; the last that was set for a date counts."""
    for rate in event.data["rates"]:
        store.save_rate(work, rate)


def business_date_opened(work: UnitOfWork, event: Event) -> None:
    """Keep the business date, whose rates count."""
    store.save_business_date(work, date.fromisoformat(event.data["date"]))


def customer_rated(work: UnitOfWork, event: Event) -> None:
    """Keep a customer's grade."""
    store.save_customer(work, UUID(str(event.data["customer_id"])), {"grade": event.data["grade"]})


def rule_fired(work: UnitOfWork, event: Event) -> None:
    """Make the to-dos that a fired rule asks for, once per episode; without anybody for it, an admin's."""
    data = event.data
    people = store.company(work)
    customer_id = UUID(str(data["customer_id"]))
    for action in data["actions"]:
        if action["kind"] != "todo":
            continue
        wanted = str(action["assignee"])
        if wanted.startswith(_ROLE):
            names = people.with_role(wanted.removeprefix(_ROLE))
        else:
            name = data.get("salesperson") if wanted == "sales_owner" else wanted
            known = people.people.get(str(name))
            names = [known.username] if known and known.active else []
        for name in names or people.with_role(ADMIN_ROLE):
            add_todo(
                work,
                group_key=f"rule:{data['rule_key']}:{customer_id}:{data['episode']}",
                title=action["title"],
                assignee=name,
                subject={"type": "customer", "id": str(customer_id), "key": data.get("customer_code")},
                customer_id=customer_id,
                due_days=int(action.get("due_days") or DUE_DAYS),
            )


def reminder_due(work: UnitOfWork, event: Event) -> None:
    """Make the to-do of a reminder: for who has its role, or the salesperson; else an admin's."""
    reminder = event.data["reminder"]
    people = store.company(work)
    if reminder["role"]:
        names = people.with_role(reminder["role"])
    else:
        known = people.people.get(str(reminder["salesperson"]))
        names = [known.username] if known and known.active else []
    for name in names or people.with_role(ADMIN_ROLE):
        add_todo(
            work,
            group_key=reminder["key"],
            title=reminder["title"],
            assignee=name,
            subject={
                "type": "customer",
                "id": str(reminder["customer_id"]),
                "key": reminder["customer_code"],
            },
            customer_id=UUID(str(reminder["customer_id"])),
            due_days=max(0, int(reminder["days_left"])),
        )


def reminder_settled(work: UnitOfWork, event: Event) -> None:
    """Take the to-dos of a reminder away from whoever still has one."""
    close_todos(work, event.data["key"])
