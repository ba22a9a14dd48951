"""What ends under the real services while people trade: nothing that was answered is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial

import pytest

from credit.demo.client import ApiRefused
from credit.rebuilding import rebuild
from credit.suite import service_class
from services.common.config import ALL_SERVICES
from tests.faults.place import Place
from tests.support.postgres import DatabaseServer
from tests.support.processes import ServiceProcess
from tests.support.rabbitmq import RabbitNode
from tests.support.wait import wait_until

_DEALS = 24
_FAULT_AFTER = 12
_CROWD = 64


def _kill_broker(place: Place, node: RabbitNode) -> None:
    node.kill()
    node.start()


def _crash_database(place: Place, node: RabbitNode) -> None:
    place.server.restart()


def _kill_a_replica(place: Place, node: RabbitNode) -> None:
    group = place.suite.processes["limits"]
    group[0].kill()
    group[0].start().wait_until_ready()


@pytest.mark.parametrize("fault", [_kill_broker, _crash_database, _kill_a_replica])
def test_a_fault_in_the_middle_of_trade_loses_and_doubles_nothing(
    place: Place, node: RabbitNode, fault: Callable[[Place, RabbitNode], None]
) -> None:
    name = fault.__name__.strip("_").upper()
    trade = place.trade(name, "40000.00")
    deals = [partial(trade.whole_deal, f"{name}-{number}", "100.00") for number in range(_DEALS)]
    trade.run(deals, lambda: fault(place, node), after=_FAULT_AFTER)
    assert {status for status, _ in trade.answers.values()} == {201}
    assert all(int(response.headers["Retry-After"]) > 0 for response in trade.put_off)
    orders = place.orders_of(trade)
    assert sorted(orders) == sorted(f"{name}-{number}" for number in range(_DEALS))
    place.agrees()
    account = place.admin.get(f"/credit-accounts/{trade.customer_id}")
    assert set(account["exposure"].values()) == {"0.00"}


def test_killed_replicas_never_reserve_more_than_the_limit(place: Place) -> None:
    trade = place.trade("HOT", "1000.00")
    wanted = [f"HOT-{number}" for number in range(120)]
    orders = [partial(trade.order, number, "10.00") for number in wanted]

    def kill_both() -> None:
        for process in place.suite.processes["limits"]:
            process.kill()
            process.start().wait_until_ready()

    trade.run(orders, kill_both, after=_FAULT_AFTER)
    words = {201: "reserved", 422: "refused"}
    results = {number: words[status] for number, (status, _) in trade.answers.items()}
    kept = {number: order["status"] for number, order in place.orders_of(trade).items()}
    assert kept == results, "every answer is what the ledger holds, and nothing else"
    assert sum(status == "reserved" for status in kept.values()) == 100
    place.agrees()


def test_64_clients_on_overlapping_groups_never_pass_a_limit_while_a_replica_dies(place: Place) -> None:
    limits = {"hot": Decimal("300.00"), "left": Decimal("500.00"), "top": Decimal("800.00")}
    trades = place.trades_in_groups("CROWD", {name: str(amount) for name, amount in limits.items()})
    each = list(trades.values())
    numbers = [f"CROWD-{number}" for number in range(3 * _CROWD)]
    jobs = [partial(each[place % 3].order, number, "10.01") for place, number in enumerate(numbers)]
    group = place.suite.processes["limits"]

    def kill_one() -> None:
        group[1].kill()
        group[1].start().wait_until_ready()

    each[0].run(jobs, kill_one, after=_CROWD // 2, clients=_CROWD)
    answers = dict(each[0].answers)
    words = {201: "reserved", 422: "refused"}
    kept = {number: order for trade in each for number, order in place.orders_of(trade).items()}
    said = {number: words[status] for number, (status, _) in answers.items()}
    assert {number: order["status"] for number, order in kept.items()} == said
    assert sorted(kept) == sorted(numbers), "no answer is lost, nothing is there twice"

    def reserved(*names: str) -> Decimal:
        mine = {trades[name].customer_id for name in names}
        return sum(
            (Decimal(order["reserved"]) for order in kept.values() if order["customer_id"] in mine), Decimal()
        )

    held = {"hot": reserved("hot"), "left": reserved("hot", "warm"), "top": reserved(*trades)}
    assert all(amount <= limits[name] for name, amount in held.items()), held
    assert limits["top"] - held["top"] < Decimal("10.01"), "whatever fits has passed"
    pools = {
        pool["name"]: Decimal(pool["exposure"]["total"]) for pool in place.admin.get("/credit-pools")["items"]
    }
    assert pools == {"CROWD left": held["left"], "CROWD top": held["top"]}
    for position, number in enumerate(numbers[:_CROWD]):
        assert each[position % 3].order(number, "10.01") == answers[number], "a retried key has its answer"
    place.agrees()
    assert "deadlock detected" not in place.server.log.read_text("utf-8", "replace")


def test_a_source_restored_from_a_backup_is_noticed_and_a_rebuild_repairs_it(place: Place) -> None:
    trade = place.trade("RESTORED", "40000.00")
    trade.order("RESTORED-1", "100.00")
    place.settle()
    databases, prefix = DatabaseServer(place.server.url), place.suite.settings.database_prefix
    with _stopped(place.suite.processes["limits"]):
        databases.create(f"{prefix}kept", template=f"{prefix}limits")
    trade.order("RESTORED-2", "100.00")
    place.settle()
    with _stopped(place.suite.processes["limits"]):
        databases.drop(f"{prefix}limits")
        databases.create(f"{prefix}limits", template=f"{prefix}kept")
        databases.drop(f"{prefix}kept")

    readers = [name for name in ALL_SERVICES if "limits" in service_class(name).subscriptions]
    wait_until(
        lambda: set(readers) <= _diverged(place), 60, what="the readers to notice", ignoring=(ApiRefused,)
    )
    trade.order("RESTORED-3", "100.00")
    for service in readers:
        rebuild(place.suite.settings, service, lambda done, total: None)
    place.agrees()
    assert sorted(place.orders_of(trade)) == ["RESTORED-1", "RESTORED-3"]
    assert not _diverged(place)


def _diverged(place: Place) -> set[str]:
    services = place.admin.get("/admin/system")["services"]
    return {
        service["service"]
        for service in services
        for row in service["positions"]
        if row["source"] == "limits" and row["state"] == "diverged"
    }


@contextmanager
def _stopped(processes: list[ServiceProcess]) -> Iterator[None]:
    for process in processes:
        process.stop()
    yield
    for process in processes:
        process.start().wait_until_ready()
