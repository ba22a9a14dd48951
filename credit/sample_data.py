"""The sample company for who clicks on it: made over the API of the running suite, removed as a whole."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import requests

from credit import databases
from credit.demo.client import ApiRefused, Client
from credit.demo.company import CannotReplay
from credit.demo.sample import Sample, Size, contents
from credit.suite import database_of
from gateway.sample_data import operations
from gateway.sample_data import store as sample_store
from gateway.sample_data.maker import CannotMake, Tell
from services.common.caller import service_caller
from services.common.config import ALL_SERVICES, GATEWAY, Settings
from services.customer.store import count_beside

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - read from the settings, not bound


class NotRemovable(Exception):
    """The sample cannot be removed as things are; the text says why."""


class SampleMaker:
    """Makes the sample in the suite of this process, see `gateway.sample_data.maker.Maker`.

    `can_remove` where the whole suite is this process, which `starts_anew` after it was stopped.
    """

    def __init__(self, settings: Settings, *, can_remove: bool, size: Size | None = None) -> None:
        host = _EVERYWHERE.get(settings.http_host, settings.http_host)
        self._url = f"http://{host}:{settings.http_port}"
        self._size = size or Size()
        self._can_remove = can_remove
        self.removal_asked = False

    @property
    def contents(self) -> dict[str, list[str]]:
        """What belongs to the sample."""
        return contents(self._size)

    @property
    def can_remove(self) -> bool:
        """Whether this process can stop everything and start anew."""
        return self._can_remove

    def make(self, token: str, password: str, tell: Tell) -> None:
        """Make it up to today; `CannotMake` with what the API refused."""
        admin = Client(self._url, token)

        def steps(days: Sequence[date]) -> Iterable[date]:
            return _told(days, tell)

        try:
            last = date.fromisoformat(admin.get("/admin/business-date")["date"])
            Sample(admin, last, password=password, size=self._size).run(steps)
        except (ApiRefused, CannotReplay, requests.RequestException) as problem:
            raise CannotMake(str(problem)) from problem

    def remove(self) -> None:
        """Have this process stop; whoever runs it then removes the sample and starts anew."""
        self.removal_asked = True
        os.kill(os.getpid(), signal.SIGTERM)


def _told(days: Sequence[date], tell: Tell) -> Iterator[date]:
    for done, day in enumerate(days):
        tell(done, len(days))
        yield day
    tell(len(days), len(days))


def is_being_removed(settings: Settings) -> bool:
    """Whether a removal was asked for that has not come to its end."""
    with database_of(settings, GATEWAY) as database, database.begin(service_caller(GATEWAY)) as work:
        row = sample_store.find(work)
        return row is not None and row["state"] == sample_store.REMOVING


def ask_for_removal(settings: Settings) -> None:
    """Note that the sample is to be removed, of a suite that does not run; see `remove_sample`.

    `NotRemovable` where there is none, or where there are customers that are not of it.
    """
    _require_nothing_runs(settings)
    with database_of(settings, GATEWAY) as database, database.begin(service_caller(GATEWAY)) as work:
        row = sample_store.find(work, lock=True)
        if row is None:
            raise NotRemovable("没有示例数据 / there is no sample data")
        of_sample = operations.contents_of(row)["customers"]
        own = _customers_beside(settings, of_sample)
        if own:
            raise NotRemovable(f"已有 {own} 个您自己的客户 / {own} customers are not of the sample")
        sample_store.change(work, state=sample_store.REMOVING)


def _require_nothing_runs(settings: Settings) -> None:
    running = databases.users_of(settings, ALL_SERVICES)
    if running:
        raise NotRemovable(f"请先停止服务 / still running: {', '.join(running)}")


def _customers_beside(settings: Settings, of_sample: list[str]) -> int:
    with database_of(settings, "customer") as database, database.begin(service_caller("customer")) as work:
        return count_beside(work, of_sample)


def remove_sample(settings: Settings) -> None:
    """Empty every database but what the gateway keeps of the company's own people and settings.

    Nothing may run. It can break off anywhere and be done again: the note that it is to be done goes last.
    `NotRemovable` where something runs, or nothing was asked for. Then the databases have to be prepared.
    """
    _require_nothing_runs(settings)
    if not is_being_removed(settings):
        raise NotRemovable("没有要移除的示例数据 / no removal was asked for")
    for name in ALL_SERVICES:
        if name != GATEWAY:
            databases.empty(settings, name)
    with database_of(settings, GATEWAY) as database, database.begin(service_caller(GATEWAY)) as work:
        operations.forget(work)
