"""Callers remembered: made once, and good until somebody's rights change, wherever that happens.

Triggers write whose rights have changed beside the change itself; every gateway process reads that log about
once a second while it is asked, and forgets whom it names. So a request costs a look into a dictionary, and
what is revoked is gone everywhere within two seconds, in the process that revoked it at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import eventlet
from eventlet.semaphore import Semaphore

from gateway.identity import forms, store
from gateway.identity.grants import Role, Tree, clauses_for, fields_for
from gateway.identity.permissions import ADMIN, STATIC, Catalogue
from services.common.caller import Caller, service_caller
from services.common.config import GATEWAY
from services.common.db import Database, UnitOfWork
from services.common.duties import DEFAULTS
from services.common.errors import Unavailable

# The log is read again in the background when it was last read so long ago, and waited for when so long.
_READ_AFTER_SECONDS = 0.5
_WAIT_AFTER_SECONDS = 1.5
# A transaction is given up after 30 seconds in which it does nothing: what it wrote shows within this time.
_WINDOW_SECONDS = 120
_GAP_SECONDS_MAX = 60.0
_REMEMBERED_MAX = 20_000
EVERYBODY = "everybody"


@dataclass(frozen=True)
class Found:
    """A caller, until when (seconds of 1970) it is one, and whose changes concern it."""

    caller: Caller
    until: float
    subjects: tuple[str, ...]


class Directory:
    """What all callers are made of: roles, departments, and what the installation allows."""

    def __init__(
        self, roles: Mapping[str, Role], tree: Tree, allows: frozenset[str], catalogue: Catalogue = STATIC
    ) -> None:
        self.roles = roles
        self.tree = tree
        self.allows = allows
        self.catalogue = catalogue

    @classmethod
    def read(cls, work: UnitOfWork) -> Directory:
        """As the database has it."""
        roles = {
            key: Role(key, frozenset(row["permissions"]), row["grants"], row["fields"])
            for key, row in store.all_roles(work).items()
        }
        duties = DEFAULTS | store.allowed_duties(work)
        allows = frozenset(key for key, allowed in duties.items() if allowed)
        return cls(roles, Tree(store.department_parents(work)), allows, forms.catalogue(work))

    def roles_of(self, user: Mapping[str, Any]) -> list[Role]:
        """The roles of a user."""
        return [self.roles[key] for key in user["roles"] if key in self.roles]

    def caller(self, user: Mapping[str, Any], shared: Sequence[Mapping[str, Any]]) -> Caller:
        """The caller that a user is now, to whom these records are shared."""
        roles = self.roles_of(user)
        permissions = frozenset().union(*(role.permissions for role in roles))
        if ADMIN in user["roles"]:
            # An administrator has every right, also those that came into being a moment ago.
            permissions |= self.catalogue.of_forms
        return Caller(
            kind="user",
            id=str(user["id"]),
            username=user["username"],
            name=user["name"],
            department=user["department"],
            roles=tuple(user["roles"]),
            permissions=permissions,
            clauses=clauses_for(roles, user["department"], self.tree),
            fields=fields_for(roles, self.catalogue),
            departments=self.tree.below(user["department"]),
            shared={str(row["record_id"]): row["level"] for row in shared},
            allows=self.allows,
        )


class Callers:
    """The callers that a gateway process remembers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found: dict[str, Found] = {}
        self._by_subject: dict[str, set[str]] = {}
        self._directory: Directory | None = None
        self._seen: set[int] | None = None
        self._read_at = float("-inf")
        self._changes = 0
        self._reading = Semaphore(1)
        # Rung when somebody's rights have changed: whoever was let in for long is asked again.
        self.on_change: Callable[[], None] = lambda: None

    def of(self, credential: str, find: Callable[[], Found]) -> Caller:
        """The caller with a credential, found if need be."""
        self.follow()
        remembered = self._found.get(credential)
        if remembered is not None and time.time() < remembered.until:
            return remembered.caller
        before = self._changes
        found = find()
        # What was read while something changed may be of before: it serves this request, and no other.
        if before == self._changes:
            self._remember(credential, found)
        return found.caller

    def directory(self, work: UnitOfWork) -> Directory:
        """What callers are made of, read if need be."""
        if self._directory is not None:
            return self._directory
        before = self._changes
        read = Directory.read(work)
        if before == self._changes:
            self._directory = read
        return read

    def forget(self) -> None:
        """Forget everybody."""
        self._changes += 1
        self._found.clear()
        self._by_subject.clear()
        self._directory = None
        self.on_change()

    def _remember(self, credential: str, found: Found) -> None:
        if len(self._found) >= _REMEMBERED_MAX:
            self.forget()
        self._found[credential] = found
        for subject in found.subjects:
            self._by_subject.setdefault(subject, set()).add(credential)

    def follow(self) -> None:
        """Know what has changed until a moment ago; `Unavailable` when nobody can tell."""
        age = time.monotonic() - self._read_at
        if age < _READ_AFTER_SECONDS:
            return
        if age < _WAIT_AFTER_SECONDS:
            if self._reading.acquire(blocking=False):
                eventlet.spawn_n(self._read_in_background)
            return
        with self._reading:
            if time.monotonic() - self._read_at >= _WAIT_AFTER_SECONDS:
                self._read()

    def _read_in_background(self) -> None:
        try:
            self._read()
        except Unavailable:
            # Whoever asks next waits for the log, and hears that the database is away.
            self.forget()
        finally:
            self._reading.release()

    def _read(self) -> None:
        began = time.monotonic()
        with self._database.glance(service_caller(GATEWAY)) as work:
            changes = store.recent_changes(work, _WINDOW_SECONDS)
        if self._seen is None or began - self._read_at > _GAP_SECONDS_MAX:
            # Nobody asked for a while: what changed meanwhile may have left the window.
            self.forget()
        else:
            self._forget_subjects([changes[place] for place in changes.keys() - self._seen])
        self._seen = set(changes)
        self._read_at = began

    def _forget_subjects(self, subjects: Sequence[str]) -> None:
        if EVERYBODY in subjects:
            self.forget()
            return
        if subjects:
            self._changes += 1
        for subject in subjects:
            for credential in self._by_subject.pop(subject, ()):
                self._found.pop(credential, None)
        if subjects:
            self.on_change()
