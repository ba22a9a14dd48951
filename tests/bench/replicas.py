"""What a second replica of the ledger costs where it cannot help: every order on one controlled pool.

Over a suite of its own. Part of `make bench`; alone: `python -m tests.bench.replicas [seconds]`.
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import json  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from decimal import Decimal  # noqa: E402
from pathlib import Path  # noqa: E402

from prometheus_client.parser import text_string_to_metric_families  # noqa: E402

from tests.bench.company import DEPARTMENT, Bench, make_company  # noqa: E402
from tests.bench.load import Load, put_under_load  # noqa: E402
from tests.bench.suites import suite_apart  # noqa: E402
from tests.support.processes import ServiceProcess  # noqa: E402

Figures = dict[str, float]
_CUSTOMERS = 50
_SECONDS = 20.0
_CONNECTIONS = 64
_POOL = f"/credit-pools/department/{DEPARTMENT}"
_LIMIT = {"amount": "90000000000.00", "currency": "CNY", "reason": "基准测试"}


def measure(seconds: float, connections: int) -> Figures:
    """The figure `two_replicas_hot_pool_ratio`: half the time one, then two, then one again."""
    with tempfile.TemporaryDirectory() as folder, suite_apart(Path(folder)) as suite:
        bench = make_company(suite.url, _CUSTOMERS)
        bench.admin.post(f"{_POOL}/grants", _LIMIT)
        before = _exposure(bench)
        one = [_orders(bench, seconds / 2, connections)]
        second = suite.another("limits")
        two = _orders(bench, seconds, connections)
        assert _taken(second) > 0, "the second replica took no order"
        second.stop()
        one.append(_orders(bench, seconds / 2, connections))
        done = sum(len(load.times_ms) for load in (*one, two))
        assert _exposure(bench) - before == done * bench.amount, "orders passed the pool by"
    of_one = sum(load.per_second for load in one) / len(one)
    return {
        "one_replica_hot_pool_orders_per_s": round(of_one),
        "two_replicas_hot_pool_orders_per_s": round(two.per_second),
        "two_replicas_hot_pool_ratio": round(two.per_second / of_one, 2),
    }


def _orders(bench: Bench, seconds: float, connections: int) -> Load:
    load = put_under_load(bench.url, bench.token, bench.order_request, seconds, connections)
    assert set(load.statuses) == {201}, load.statuses
    bench.settle()
    return load


def _taken(replica: ServiceProcess) -> float:
    """How many orders a replica has taken."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(replica.get("/metrics").text)
        for sample in family.samples
        if sample.name == "credit_rpc_seconds_count" and sample.labels["method"] == "reserve_order"
    )


def _exposure(bench: Bench) -> Decimal:
    return Decimal(bench.admin.get(_POOL)["exposure"]["total"])


if __name__ == "__main__":
    asked = float(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS
    print(json.dumps(measure(asked, _CONNECTIONS), indent=2))
