"""By whichever route exposure rises: one check, in every kind of pool, and what has happened is flagged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from credit.suite import database_of
from gateway.table import all_routes
from services.common.db import Database
from services.limits.operations import intake
from services.limits.service import LimitsService
from tests.contract.limits.late_orders import LATE_ORDERS
from tests.contract.limits.ways import ASKED, FALLS, HAPPENED, HARMLESS, Way
from tests.contract.limits.ways import WAYS as PLAIN_WAYS
from tests.contract.limits.world import LEFT, World
from tests.integration.limits.trading import trading
from tests.support.doors import Door
from tests.support.postgres import DatabaseServer

WAYS = (*PLAIN_WAYS, *LATE_ORDERS)


@pytest.fixture(scope="module")
def door(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One ledger for all ways; each has customers and pools of its own."""
    with trading(database_server, tmp_path_factory.mktemp("ways")) as opened:
        yield opened


@pytest.fixture(scope="module")
def database(door: Door) -> Iterator[Database]:
    """The ledger's database."""
    with database_of(door.settings, "limits") as opened:
        yield opened


def _cases(how: str) -> list[object]:
    return [
        pytest.param(way, kind, id=f"{way.name} - {kind}")
        for way in WAYS
        if way.how == how
        for kind in way.kinds
    ]


@pytest.fixture
def world(door: Door, database: Database, kind: str) -> Iterator[World]:
    """A fresh world; the ledger finds nothing wrong in it afterwards."""
    made = World(door, database, kind)
    yield made
    made.ask("change_ledger_settings", horizon_days=None)


@pytest.mark.parametrize(("way", "kind"), _cases(ASKED))
def test_what_is_asked_for_is_refused_by_the_same_check_and_posts_nothing(world: World, way: Way) -> None:
    way.before(world)
    world.fill()
    before = world.posted()
    told = way.act(world)
    decision = world.decisions(way.number)[0]
    assert decision["result"] == "refused"
    # A customer who has just come has no credit of its own; and the rule that held an order holds it still.
    of_pool = [each for each in decision["reasons"] if each["code"] != "limit_unset" and "rule" not in each]
    told_of = [(reason["code"], reason["pool"], reason["available"]) for reason in of_pool]
    assert told_of == [("limit_exceeded", world.pool_name, f"{world.available():.2f}")]
    if isinstance(told, dict) and "status" in told:
        assert told["status"] == "refused"
    assert world.posted() == before, "all pools or none"


@pytest.mark.parametrize(("way", "kind"), _cases(HAPPENED))
def test_what_has_happened_is_recorded_and_flagged(world: World, way: Way) -> None:
    way.before(world)
    world.fill()
    answer = way.act(world)
    assert world.available() < 0, "recorded"
    assert world.pool()["state"] == "over-limit"
    if isinstance(answer, dict) and "status" in answer:
        assert answer.get("over_limit") is True, answer
    assert world.last_event(way.event)["over_limit"] is True
    _refuses_the_next(world)


@pytest.mark.parametrize(("way", "kind"), _cases(FALLS))
def test_what_a_limit_no_longer_covers_is_shown_and_the_next_order_refused(world: World, way: Way) -> None:
    way.before(world)
    world.fill()
    assert world.available() == LEFT
    way.act(world)
    assert world.available() < 0
    assert world.pool()["state"] == "over-limit"
    _refuses_the_next(world)


def _refuses_the_next(world: World) -> None:
    before = world.posted()
    refused = world.record("order", "next", "0.01")
    assert [reason["pool"] for reason in refused["decision"]["reasons"]] == [world.pool_name]
    assert world.posted() == before


def test_the_ledger_finds_nothing_wrong_after_all_of_it(door: Door, database: Database) -> None:
    assert World(door, database, "department").differences() == []


# --- the table is whole ----------------------------------------------------------------------------------


def _covered() -> set[str]:
    return {name for way in WAYS for name in way.covers}


def _changing_endpoints() -> set[str]:
    reads = ("get_", "list_", "check_", "verify", "ledger_")
    names = {
        name for name in dir(LimitsService) if hasattr(getattr(LimitsService, name), "__credit_endpoint__")
    }
    common = {name for name in dir(LimitsService.__mro__[-2]) if not name.startswith("_")}
    return {name for name in names - common if not name.startswith(reads)}


def _doors() -> set[str]:
    told = {event for events in LimitsService.subscriptions.values() for event in events}
    return _changing_endpoints() | set(intake.ROUTING_KEYS) | told


def test_every_door_is_in_the_table_or_said_to_be_harmless() -> None:
    assert _doors() - _covered() - set(HARMLESS) == set(), "a new door needs a way, or a word why not"


def test_nothing_is_both_in_the_table_and_harmless_and_no_door_of_the_table_is_gone() -> None:
    timers = {"apply-waiting-documents", "follow-settings", "open-business-date", "park-documents"}
    assert _covered() & set(HARMLESS) == set()
    assert (_covered() | set(HARMLESS)) - _doors() == timers


def test_every_route_of_the_gateway_goes_to_a_door_of_the_table() -> None:
    changing = {route.call for route in all_routes() if route.service == "limits" and route.method != "GET"}
    reads = {"check_order", "verify"}
    assert changing - reads <= _changing_endpoints()
