"""Real services behind their doors: people and services call them, stand-in sources tell them events."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine

from services.common import keys
from services.common.caller import Caller, CallerSigner, service_caller
from services.common.config import GATEWAY, Settings
from services.common.db import UnitOfWork, service_metadata
from services.common.errors import CreditError
from services.common.messaging import Call, Runner, Service, endpoint, memory_transport
from services.common.messaging.authenticity import MessageSigner, SharedKeys
from tests.conftest import suite_settings
from tests.support.postgres import DatabaseServer

_ROUNDS_MAX = 20


def _tell(work: UnitOfWork, told: list[dict[str, Any]]) -> dict[str, Any]:
    for event in told:
        work.add_event(event["type"], subject=event["key"], ordering_key=event["key"], data=event["data"])
    return {}


class _Source(Service):
    """A service that tells whatever it is asked to tell, over a real log."""

    @endpoint(None, None)
    def tell(self, call: Call) -> dict[str, Any]:
        """Tell events, in their order."""
        return self.apply(call, _tell, call.input["events"])


def source(name: str) -> type[Service]:
    """A source of events that goes by the name of a service which is not part of the test."""
    return type(name.title(), (_Source,), {"name": name, "metadata": service_metadata(), "__doc__": "Tells."})


def speaking_as(issuer: str, client: Any, settings: Settings) -> Any:
    """The same way to the services, with messages that another of them vouches for."""
    found = copy.copy(client)
    found.signer = MessageSigner(SharedKeys.load(settings, issuer))
    return found


class Door:
    """Calls running services as a person or as another service."""

    def __init__(self, settings: Settings, runner: Runner, kinds: Sequence[type[Service]]) -> None:
        self.settings = settings
        self.names = [kind.name for kind in kinds]
        dependencies = runner.container(self.names[0]).dependencies
        self._ground: Any = next(each for each in dependencies if hasattr(each, "ask"))

    def ask(
        self,
        service: str,
        method: str,
        received: dict[str, Any],
        caller: Caller,
        key: str | None = None,
    ) -> Any:
        """Call a method; a person comes through the gateway, a service signs for itself."""
        issuer = caller.id if caller.kind == "service" else GATEWAY
        signer = CallerSigner(keys.load_private_key(self.settings.keys_dir, issuer), issuer)
        request = {
            "input": received,
            "caller": signer.sign(caller, service),
            "trace_id": "t",
            "idempotency_key": key,
        }
        client = speaking_as(issuer, self._ground.client, self.settings)
        return client.call(service, method, request, 30)

    def refused(
        self,
        service: str,
        method: str,
        received: dict[str, Any],
        caller: Caller,
        key: str | None = None,
    ) -> CreditError:
        """The refusal of a call that must be refused."""
        with pytest.raises(CreditError) as caught:
            self.ask(service, method, received, caller, key)
        return caught.value

    def tell(self, source: str, type: str, key: str | UUID, data: dict[str, Any]) -> None:
        """Let a source tell of something, in the order of the key."""
        self.tell_all(source, [(type, key, data)])

    def tell_all(self, source: str, told: Sequence[tuple[str, str | UUID, dict[str, Any]]]) -> None:
        """Let a source tell of several things in one transaction."""
        events = [{"type": name, "key": str(key), "data": data} for name, key, data in told]
        self.ask(source, "tell", {"events": events}, service_caller(source))

    def log_of(self, service: str, type: str) -> list[dict[str, Any]]:
        """The data of all events of a type that a service has told, in their order."""
        found: list[dict[str, Any]] = []
        after, more = 0, True
        while more:
            asked = {"after": after, "limit": 500}
            batch = self.ask(service, "events_after", asked, service_caller(GATEWAY))
            found += [event["data"] for event in batch["events"] if event["type"] == f"{service}.{type}"]
            after, more = batch["head"], batch["more"]
        return found

    def settle(self) -> None:
        """Let every service read its news and send what is due, until nothing moves any more."""
        before: dict[str, Any] = {}
        for _ in range(_ROUNDS_MAX):
            now = {name: self.ask(name, "settle", {}, service_caller(GATEWAY)) for name in self.names}
            if now == before and not any(each["commands"] for each in now.values()):
                return
            before = now
        raise AssertionError(f"the services do not come to rest: {before}")


@contextmanager
def open_doors(
    server: DatabaseServer,
    folder: Path,
    kinds: Sequence[type[Service]],
    sources: Sequence[str] = (),
    prepare: Callable[[Settings], object] = lambda settings: None,
) -> Iterator[Door]:
    """Services that run inside the block over fresh databases, beside sources that tell them events.

    `prepare` fills the databases before anything starts.
    """
    tellers = [source(name) for name in sources]
    with server.databases([kind.name for kind in (*kinds, *tellers)]) as prefix:
        settings = suite_settings(server, prefix, folder)
        keys.make_missing_keys(settings.keys_dir)
        for teller in tellers:
            engine = create_engine(settings.database(teller.name))
            teller.metadata.create_all(engine)
            engine.dispose()
        prepare(settings)
        runner = Runner(settings, [*kinds, *tellers])
        runner.start()
        try:
            yield Door(settings, runner, kinds)
        finally:
            runner.stop()
            memory_transport.reset()
