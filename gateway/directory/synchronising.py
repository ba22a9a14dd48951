"""Bringing a workbook in: everything is done in one unit of work, or nothing where one row is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gateway.audit.trail import trail
from gateway.directory.workbook import DEPARTMENTS, PEOPLE, POSITIONS, Entry, Faults
from gateway.identity import operations, store
from gateway.identity.permissions import ADMIN
from services.common.db import UnitOfWork
from services.common.errors import CreditError, Invalid

_FAULTS_SHOWN_MAX = 200
Entries = Mapping[str, Sequence[Entry]]
Values = dict[str, Any]


class NothingKept(Exception):
    """Carries the report of a run that is to be rolled back."""

    def __init__(self, report: dict[str, Any]) -> None:
        super().__init__("rolled back")
        self.report = report


class Synchronising:
    """One run. `sync` also disables whoever is not in the workbook; administrators and the caller stay."""

    def __init__(self, work: UnitOfWork, entries: Entries, faults: Faults, *, sync: bool) -> None:
        self._work = work
        self._entries = entries
        self._faults = faults
        # Of a row that cannot be read nobody knows whom it means: then nobody is missing for certain.
        self._sync = sync and not faults.of(PEOPLE)
        self._done: dict[str, Counter[str]] = {sheet: Counter() for sheet in (DEPARTMENTS, POSITIONS, PEOPLE)}
        self._disabled: list[str] = []
        self._kept: list[str] = []

    def run(self, *, dry_run: bool) -> dict[str, Any]:
        """Apply everything: the report.

        `NothingKept` with the report for a dry run; `Invalid` with every refused row, up to 200, where there
        are some.
        """
        self._positions()
        self._departments()
        self._people()
        self._heads()
        if self._sync:
            self._disable_others()
        report = self._report(dry_run)
        if dry_run:
            raise NothingKept(report)
        if self._faults.found:
            raise refused(self._faults)
        trail(self._work).add("directory.import", "directory", {**report, "errors": []})
        return report

    def _positions(self) -> None:
        known = store.all_positions(self._work)
        for entry in self._entries[POSITIONS]:
            wanted: Values = {"name": entry.values["name"]}
            there = known.get(entry.key)
            create = partial(operations.create_position, self._work, entry.values)
            self._apply(entry, there, wanted, create, operations.change_position)

    def _departments(self) -> None:
        """Those above before those below; the heads come last, when their people are there."""
        known = store.all_departments(self._work)
        for entry in _parents_first(self._entries[DEPARTMENTS]):
            wanted: Values = {name: entry.values[name] for name in ("name", "parent") if name in entry.values}
            new: Values = {"code": entry.values["code"], "parent": None, "head": None, **wanted}
            create = partial(operations.create_department, self._work, new)
            self._apply(entry, known.get(entry.key), wanted, create, operations.change_department)

    def _people(self) -> None:
        known = store.all_users(self._work)
        for entry in self._entries[PEOPLE]:
            wanted: Values = {name: value for name, value in entry.values.items() if name != "username"}
            if "roles" in wanted:
                wanted["roles"] = sorted(set(wanted["roles"]))
            there = known.get(entry.key)
            if there is None and not wanted.pop("active"):
                # Somebody who left before they were ever here.
                self._done[PEOPLE]["unchanged"] += 1
                continue
            new: Values = {"email": None, "department": None, "roles": [], **wanted}
            new["username"] = entry.values["username"]
            create = partial(operations.create_user, self._work, new, None)
            self._apply(entry, there, wanted, create, _change_user)

    def _heads(self) -> None:
        departments = store.all_departments(self._work)
        for entry in self._entries[DEPARTMENTS]:
            there = departments.get(entry.key)
            if there is None or "head" not in entry.values or there["head"] == entry.values["head"]:
                continue
            head: Values = {"head": entry.values["head"]}
            self._try(
                _at(self._faults, entry), partial(operations.change_department, self._work, entry.key, head)
            )

    def _disable_others(self) -> None:
        named = {entry.key for entry in self._entries[PEOPLE]}
        for key, user in sorted(store.all_users(self._work).items()):
            if key in named or not user["active"]:
                continue
            if ADMIN in user["roles"] or user["username"] == self._work.caller.username:
                self._kept.append(user["username"])
                continue
            disable = partial(_change_user, self._work, key, {"active": False})
            if self._try(partial(self._faults.add_missing, PEOPLE, user["username"]), disable):
                self._disabled.append(user["username"])

    def _apply(
        self,
        entry: Entry,
        there: Mapping[str, Any] | None,
        wanted: Values,
        create: Callable[[], Any],
        change: Callable[[UnitOfWork, str, Values], Any],
    ) -> None:
        """Make what is not there, change what differs; a refusal is this row's."""
        done, do = "created", create
        if there is not None:
            differing = {name: value for name, value in wanted.items() if there[name] != value}
            done, do = "changed", partial(change, self._work, entry.key, differing)
            if not differing:
                self._done[entry.sheet]["unchanged"] += 1
                return
        if self._try(_at(self._faults, entry), do):
            self._done[entry.sheet][done] += 1

    def _try(self, note: Callable[[CreditError], None], do: Callable[[], Any]) -> bool:
        try:
            with self._work.savepoint():
                do()
        except CreditError as refusal:
            note(refusal)
            return False
        return True

    def _report(self, dry_run: bool) -> dict[str, Any]:
        names = {DEPARTMENTS: "departments", POSITIONS: "positions", PEOPLE: "people"}
        counts = ("created", "changed", "unchanged")
        return {
            "dry_run": dry_run,
            **{names[sheet]: {name: done[name] for name in counts} for sheet, done in self._done.items()},
            "disabled": self._disabled,
            "kept": self._kept,
            "errors": self._faults.found[:_FAULTS_SHOWN_MAX],
            "errors_found": len(self._faults.found),
        }


def _at(faults: Faults, entry: Entry) -> Callable[[CreditError], None]:
    return partial(faults.add, entry.sheet, entry.row)


def _change_user(work: UnitOfWork, key: str, values: Values) -> Any:
    return operations.change_user(work, key, values, None)


def refused(faults: Faults) -> Invalid:
    """The refusal of a workbook, with its faulty places: nothing of it was kept."""
    first = faults.found[0]
    row = f" 第 {first['row']} 行" if first["row"] else ""
    column = f" {first['column']}" if first["column"] else ""
    return Invalid(
        f"没有导入任何内容: 共 {len(faults.found)} 处错误, "
        f"首先是 {first['sheet']}{row}{column}: {first['message']}",
        code="directory_refused",
        errors=faults.found[:_FAULTS_SHOWN_MAX],
        errors_found=len(faults.found),
    )


def _parents_first(entries: Sequence[Entry]) -> list[Entry]:
    """Each after the one that it stands below; what goes round in a circle comes last, to be refused."""
    waiting = {entry.key: entry for entry in entries}
    ordered: list[Entry] = []
    while waiting:
        free = [entry for entry in waiting.values() if entry.values.get("parent") not in waiting]
        if not free:
            return ordered + list(waiting.values())
        for entry in free:
            ordered.append(waiting.pop(entry.key))
    return ordered
