"""Records of a form of 15 fields through the gateway: created, listed at random, filtered in a large form.

Part of `make bench`; alone, at any size: `python -m tests.bench.records --listed 2000 --filtered 5000`.
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import argparse  # noqa: E402
import itertools  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402
from urllib.parse import quote, urlencode  # noqa: E402

from sqlalchemy import create_engine, text  # noqa: E402

from credit.demo.client import Client  # noqa: E402
from services.common.config import Settings  # noqa: E402
from tests.bench import report  # noqa: E402
from tests.bench.company import ADMIN_PASSWORD  # noqa: E402
from tests.bench.load import put_under_load  # noqa: E402
from tests.bench.suites import suite_apart  # noqa: E402
from tests.support.wait import wait_until  # noqa: E402

Figures = dict[str, float]
LISTED, FILTERED = 100_000, 1_000_000
_LISTING_CONNECTIONS = 16
_WALKED_PAGES = 500
_ROWS_PER_CODE = 100
_INDEX_SECONDS_MAX = 600
_SEED = 20_260_302


def _field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"zh": key}, "type": kind, **more}


_GRADES = [{"value": one, "label": {"zh": one}} for one in "ABCDE"]
FIELDS = [
    _field("编码", "text", required=True, searchable=True),
    _field("名称", "text", required=True),
    _field("等级", "select", options=_GRADES),
    _field("金额", "money"),
    _field("税率", "percent"),
    _field("税额", "formula", formula="金额 * 税率", decimals=2),
    _field("日期", "date"),
    _field("时刻", "datetime"),
    _field("重点", "switch"),
    _field("标签", "tags"),
    _field("手机", "mobile"),
    _field("邮箱", "email"),
    _field("负责人", "user"),
    _field("数量", "number"),
    _field("备注", "textarea"),
]


def values(number: int) -> dict[str, Any]:
    """The values of a record."""
    return {
        "编码": f"C{number // _ROWS_PER_CODE:06d}",
        "名称": f"客户{number}",
        "等级": "ABCDE"[number % 5],
        "金额": f"{number % 10_000}.00",
        "税率": "0.13",
        "日期": "2026-03-02",
        "时刻": "2026-03-02T08:00:00Z",
        "重点": number % 2 == 0,
        "标签": ["重点", "华东"],
        "手机": "13800138000",
        "邮箱": "ap@example.com",
        "负责人": "admin",
        "数量": number % 1_000,
        "备注": "按月对账, 货到后三十天付款",
    }


def measure(url: str, settings: Settings, seconds: float, connections: int, *sizes: int) -> Figures:
    """The figures `record_create_per_s`, `record_list_100k_p50_ms` and `record_list_1m_p95_ms`.

    `sizes` are the records of the form that is listed and of the one that is filtered.
    """
    listed, filtered = sizes or (LISTED, FILTERED)
    admin = Client(url)
    login = {"username": "admin", "password": ADMIN_PASSWORD}
    token = str(admin.post("/auth/login", login)["access_token"])
    admin = Client(url, token)
    return {
        **_creating(admin, token, seconds, connections),
        **_listing(admin, token, settings, seconds / 2, listed),
        **_filtering(admin, token, settings, seconds / 2, filtered),
    }


def _publish(admin: Client, key: str) -> str:
    admin.post("/forms", {"key": key, "title": {"zh": "基准"}, "fields": FIELDS})
    admin.post(f"/forms/{key}:publish")
    return f"/forms/{key}/records"


def _creating(admin: Client, token: str, seconds: float, connections: int) -> Figures:
    path = _publish(admin, "bench-create")
    numbers = itertools.count()
    load = put_under_load(
        admin.base_url, token, lambda: (path, "", {"fields": values(next(numbers))}), seconds, connections
    )
    assert set(load.statuses) == {201}, load.statuses
    return {"record_create_per_s": round(load.per_second), "record_create_p50_ms": round(load.at(0.5), 1)}


def _listing(admin: Client, token: str, settings: Settings, seconds: float, count: int) -> Figures:
    path = _publish(admin, "bench-list")
    _fill(settings, "bench-list", count)
    cursors = [""]
    for _ in range(min(_WALKED_PAGES, count // 200 - 1)):
        page = admin.get(path, **{"page[size]": 200, "page[after]": cursors[-1] or None})
        cursors.append(page["next"])
    chance = random.Random(_SEED)

    def page_by_chance() -> tuple[str, str, None]:
        cursor = chance.choice(cursors)
        asked = {"page[size]": 20, **({"page[after]": cursor} if cursor else {})}
        return f"{path}?{urlencode(asked)}", "", None

    load = put_under_load(admin.base_url, token, page_by_chance, seconds, _LISTING_CONNECTIONS)
    assert set(load.statuses) == {200}, load.statuses
    return {"record_list_100k_p50_ms": round(load.at(0.5), 1)}


def _filtering(admin: Client, token: str, settings: Settings, seconds: float, count: int) -> Figures:
    path = _publish(admin, "bench-filter")
    _fill(settings, "bench-filter", count)
    chance = random.Random(_SEED)

    def filtered() -> tuple[str, str, None]:
        code = f"C{chance.randrange(max(1, count // _ROWS_PER_CODE)):06d}"
        condition = quote(f'编码 = "{code}"')
        return f"{path}?page%5Bsize%5D=20&filter={condition}", "", None

    load = put_under_load(admin.base_url, token, filtered, seconds, _LISTING_CONNECTIONS)
    assert set(load.statuses) == {200}, load.statuses
    return {"record_list_1m_p95_ms": round(load.at(0.95), 1)}


def _fill(settings: Settings, form: str, count: int) -> None:
    """So many records, made by PostgreSQL itself, and the index that the form asks for."""
    engine = create_engine(settings.database("application"), isolation_level="AUTOCOMMIT")
    indexed = text("SELECT count(*) FROM pg_indexes WHERE tablename = :table AND indexname ~ '^ix_field_'")
    insertion = text(
        "INSERT INTO form_records SELECT :form, uuidv7(), 1,"
        " CAST(:fields AS jsonb) || jsonb_build_object("
        "   '编码', 'C' || lpad((number / :per)::text, 6, '0'), '名称', '客户' || number),"
        " array_to_tsvector(ARRAY['客', '户', '客户', number::text]), 'HQ', 1,"
        " now(), 'admin', now(), 'admin', NULL FROM generate_series(0, :last) AS numbers (number)"
    )
    with engine.connect() as connection:
        fields = json.dumps(values(0), ensure_ascii=False)
        asked = {"form": form, "fields": fields, "per": _ROWS_PER_CODE, "last": count - 1}
        connection.execute(insertion, asked)
        table = {"table": f"form_records_{form}"}
        wait_until(
            lambda: connection.execute(indexed, table).scalar(), _INDEX_SECONDS_MAX, what="the field's index"
        )
        connection.exec_driver_sql(f'VACUUM ANALYZE "form_records_{form}"')
    engine.dispose()


def main() -> None:
    """Measure alone and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--listed", type=int, default=LISTED)
    parser.add_argument("--filtered", type=int, default=FILTERED)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, suite_apart(Path(folder)) as suite:
        sizes = (options.listed, options.filtered)
        figures = measure(suite.url, suite.settings, options.seconds, options.connections, *sizes)
    report.show(figures, {**report.machine(), "listed": options.listed, "filtered": options.filtered})


if __name__ == "__main__":
    main()
