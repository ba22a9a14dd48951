"""Files of records stay for a while after no record holds them, and are removed by a sweep that ends."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from gateway.sweeping import sweep_files
from services.application.model import metadata
from services.common import storage
from services.common.caller import Caller, service_caller
from services.common.clock import FixedClock
from services.common.db import Database
from services.common.errors import NotFound, Unavailable
from services.common.forms import files
from tests.integration.application.conftest import Office, field

FIELDS = [field("主题", "text"), field("文件", "attachment")]
GATEWAY = service_caller("gateway")


def upload(office: Office, form: str, me: Caller, content: bytes) -> dict[str, Any]:
    stored = storage.FileStorage(office.door.settings.files_url).put(io.BytesIO(content), area="records")
    kept = {"size_bytes": stored.size_bytes, "sha256": stored.sha256, "storage_key": stored.key}
    file = {"form": form, "field": "文件", "name": "a.txt", "content_type": "text/plain", **kept}
    return {**office.ask("add_file", me, **file), "key": stored.key}


def named(file: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in file.items() if name != "key"}


def mark(office: Office, days: float) -> int:
    """What is told to be removed so many days from now."""
    clock = FixedClock(datetime.now(UTC) + timedelta(days=days))
    later = Database(office.door.settings.database("application"), metadata, name="later", clock=clock)
    with later.begin(GATEWAY) as work:
        found = files.take_removable(work)["items"]
    later.dispose()
    return len(found)


def test_a_file_that_no_record_holds_is_removed_after_a_while_and_no_other(office: Office) -> None:
    form, me = office.publish(FIELDS)
    held, dropped, loose, deleted = (upload(office, form, me, text.encode()) for text in "甲乙丙丁")
    first = office.ask("create_record", me, form=form, fields={"文件": [named(held), named(dropped)]})
    second = office.ask("create_record", me, form=form, fields={"文件": [named(deleted)]})
    office.ask("update_record", me, form=form, record_id=first["id"], fields={"文件": [named(held)]})
    office.ask("delete_record", me, form=form, record_id=second["id"])
    url, asked = office.door.settings.files_url, []

    def ask(service: str, method: str, received: Any, *, fails: bool = False) -> Any:
        asked.append((service, method))
        if fails and method == "forget_files":
            raise Unavailable("away", code="unavailable")
        return office.door.ask(service, method, dict(received), GATEWAY)

    store = storage.FileStorage(url)
    assert sweep_files(ask, url) == 0, "nobody's file goes at once"
    assert mark(office, 29) == 0
    assert mark(office, 31) == 3
    assert sweep_files(partial(ask, fails=True), url) == 0, "it ends between the bytes and their rows"
    assert sweep_files(ask, url) == 3
    assert sweep_files(ask, url) == 0
    assert {service for service, _ in asked} == {"customer", "application"}
    assert store.open(held["key"]).read() == "甲".encode()
    for gone in (dropped, loose, deleted):
        with pytest.raises(NotFound):
            store.open(gone["key"])
    restored = office.ask("restore_record", me, form=form, record_id=second["id"])
    one = {"form": form, "record_id": restored["id"], "file_id": deleted["id"]}
    assert office.refused("get_record_file", me, **one).code == "file_not_found"
    late = office.refused("create_record", me, form=form, fields={"文件": [named(loose)]})
    assert late.errors[0]["code"] == "file_unknown"
