"""What happened in one source may rest on what another told before: that one is read first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from services.common.db import Database, UnitOfWork
from services.common.events import Event
from services.common.messaging.streams import StreamReader
from services.common.positions import StreamStopped, stop
from services.limits import model


@pytest.fixture
def database(new_database: Callable[[str], str]) -> Iterator[Database]:
    made = Database(new_database("limits"), model.metadata, name="limits")
    yield made
    made.dispose()


class _Readers:
    """A reader of what people do, which rests on who they are; `seen` is what was applied, in its order."""

    def __init__(self, database: Database) -> None:
        self.logs: dict[str, list[dict[str, Any]]] = {"people": [], "deeds": []}
        self.seen: list[str] = []

        def reader(source: str) -> StreamReader:
            return StreamReader(database, "limits", source, {"told": self._note}, self._fetch)

        self.people, self.deeds = reader("people"), reader("deeds")
        self.deeds.first = [self.people]

    def tell(self, source: str, what: str) -> None:
        event = Event(
            uuid4(), f"{source}.told", source, what, len(self.logs[source]) + 1, what, "", "", "", {}
        )
        self.logs[source].append(event.envelope())

    def _note(self, work: UnitOfWork, event: Event) -> None:
        self.seen.append(event.subject)

    def _fetch(self, source: str, asked: dict[str, Any]) -> dict[str, Any]:
        found = self.logs[source][asked["after"] :]
        return {"events": found, "more": False, "head": len(self.logs[source]), "diverged": False}


def test_who_was_made_before_a_deed_is_known_when_it_is_read(database: Database) -> None:
    readers = _Readers(database)
    readers.tell("people", "mia")
    readers.tell("deeds", "mia submits")
    readers.deeds.pull()
    readers.tell("people", "sam")
    readers.tell("deeds", "sam submits")
    readers.deeds.pull()
    assert readers.seen == ["mia", "mia submits", "sam", "sam submits"]


def test_a_deed_waits_while_nobody_can_tell_who_did_it(database: Database) -> None:
    readers = _Readers(database)
    readers.tell("people", "mia")
    readers.tell("deeds", "mia submits")
    stop(database, "limits", "people", "stopped", "a test")
    with pytest.raises(StreamStopped):
        readers.deeds.pull()
    assert readers.seen == []
