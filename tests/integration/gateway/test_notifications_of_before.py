"""Notifications that an older release wrote as texts are shown to whoever may see what they are about."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from sqlalchemy import create_engine, text

from gateway.notifications import telling
from services.common.caller import Caller
from services.common.migrations import downgrade, upgrade

_WRITTEN = text(
    "INSERT INTO notifications (id, key, username, title, body, created_at)"
    " VALUES (gen_random_uuid(), :key, 'sam', '标题', '内容', now())"
)


def test_what_a_notification_of_before_is_about_is_found_or_it_is_dropped(
    new_database: Callable[[str], str],
) -> None:
    customer, instance = str(uuid4()), str(uuid4())
    url = new_database("gateway")
    downgrade("gateway", url, "0011")
    engine = create_engine(url)
    keys = (f"rule:over:due:{customer}:3", f"flow:{instance}:2", f"task:{uuid4()}", f"mention:{uuid4()}")
    with engine.begin() as connection:
        connection.execute(_WRITTEN, [{"key": key} for key in keys])
    upgrade("gateway", url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT about, title, body FROM notifications ORDER BY key")).all()
    engine.dispose()
    assert [row.about for row in rows] == [
        {"kind": "flow", "instance_id": instance},
        {"kind": "rule", "customer_id": customer},
    ]
    reader = Caller("user", "1", "sam")
    for row in rows:
        earlier = (row.title, row.body)
        assert telling.told(row.about, reader, seen=True, earlier=earlier) == ("标题", "内容")
        assert telling.told(row.about, reader, seen=False, earlier=earlier) == ("您现在无权查看", "")
