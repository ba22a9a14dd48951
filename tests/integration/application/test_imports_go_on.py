"""An import whose worker dies goes on behind its last chunk: every row is there once, or none is."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.application.model import metadata
from services.application.operations import forms
from services.application.operations.imports import RecordTarget
from services.common.caller import Caller
from services.common.db import Database
from services.common.imports import jobs
from services.common.imports.target import Asked
from tests.conftest import suite_settings
from tests.support.import_worker import storage, work_on
from tests.support.postgres import DatabaseServer

ROWS = 1_200
DIED = 86
ME = Caller("user", "7", "wang", "王芳", "S", (), frozenset({"form:lead.import", "form:lead.update"}))


@dataclass
class Site:
    """A database with a form, and the tables that are brought into it."""

    database: Database
    url: str
    folder: str

    def upload(self, rows: list[str], mode: str, **change: Any) -> Any:
        """A table that waits for a worker."""
        files = storage(self.folder)
        stored = files.put(io.BytesIO("\n".join(["公司,号", *rows]).encode()), area="imports")
        taken = jobs.take_in(files, stored.key)
        asked = Asked("lead", ME, "form:lead.import")
        with self.database.begin(ME, "t", asked.right) as work:
            columns = RecordTarget(self.database, asked, lambda *_: []).columns(work)
            made = jobs.create(work, "lead", "l.csv", taken, columns)
            key = {"form": "lead", "import_id": made["id"]}
            if change:
                jobs.change(work, {**key, **change}, columns)
            jobs.start(work, {**key, "mode": mode}, columns, writes=True)
        return made["id"]

    def die_at(self, point: str) -> None:
        """Let a worker begin and die there; whoever is next need not wait for its lease."""
        command = [sys.executable, "-m", "tests.support.import_worker", self.url, self.folder]
        died = subprocess.run(command, env={**os.environ, "FAULT_POINT": point}, timeout=60, check=False)
        assert died.returncode == DIED
        self.run("UPDATE imports SET leased_until = clock_timestamp() - interval '1 second'")

    def run(self, statement: str) -> Any:
        with self.database.begin(ME) as work:
            return work.execute(text(statement))

    def count(self, what: str) -> int:
        with self.database.begin(ME) as work:
            return int(work.execute(text(f"SELECT count(*) FROM {what}")).scalar_one())

    def standing(self, import_id: Any) -> Any:
        with self.database.begin(ME) as work:
            statement = text("SELECT * FROM imports WHERE id = :id")
            return dict(work.execute(statement, {"id": import_id}).mappings().one())


@pytest.fixture
def site(database_server: DatabaseServer, tmp_path: Path) -> Iterator[Site]:
    with database_server.databases(["application"]) as prefix:
        settings = suite_settings(database_server, prefix, tmp_path)
        url = settings.database("application")
        database = Database(url, metadata, name="application")
        designer = replace(ME, permissions=frozenset({"forms.write", "forms.publish"}))
        number = {"key": "编号", "label": {"zh": "编号"}, "type": "auto_number"}
        unique = {"key": "号", "label": {"zh": "号"}, "type": "text", "unique": True}
        name = {"key": "公司", "label": {"zh": "公司"}, "type": "text", "required": True}
        definition = {"key": "lead", "title": {"zh": "线索"}, "fields": [number, name, unique]}
        with database.begin(designer) as work:
            forms.create_form(work, definition)
            forms.publish_form(work, "lead", {"revision": None})
        yield Site(database, url, settings.files_url)
        database.dispose()


def test_a_worker_that_dies_leaves_whole_chunks_and_the_next_one_goes_on(site: Site) -> None:
    rows = [f"公司{number},{number}" for number in range(ROWS)]
    rows[700] = "公司700,0"
    import_id = site.upload(rows, "valid_rows")
    site.die_at("import_chunk_after_commit")
    assert site.count("form_records") == site.standing(import_id)["created"] == 500
    site.die_at("import_chunk_before_commit")
    assert site.count("form_records") == site.count("form_unique_values") == 500
    work_on(site.database, site.folder)
    ended = site.standing(import_id)
    assert (ended["state"], ended["created"], ended["failed"]) == ("done", ROWS - 1, 1)
    assert site.count("form_records") == site.count("form_record_history") == ROWS - 1
    assert site.count("(SELECT DISTINCT fields ->> '编号' FROM form_records) AS numbers") == ROWS - 1
    last = site.run("SELECT max(fields ->> '编号') FROM form_records").scalar_one()
    assert last == f"{ROWS - 1:06d}", "no number was spent on a row that was taken back"
    wrong = site.run("SELECT line, errors FROM import_errors").one()
    assert (wrong.line, wrong.errors[0]["code"]) == (702, "not_unique")
    told = site.run(
        "SELECT sum(jsonb_array_length(data -> 'records')) FROM events WHERE type = 'records_imported'"
    )
    assert told.scalar_one() == ROWS - 1


def test_all_or_nothing_is_nothing_until_it_is_all(site: Site) -> None:
    rows = [f"公司{number},{number}" for number in range(ROWS)]
    import_id = site.upload(rows, "all_or_nothing")
    site.die_at("import_chunk_before_commit")
    assert site.count("form_records") == 0
    work_on(site.database, site.folder)
    assert site.standing(import_id)["state"] == "done"
    assert site.count("form_records") == site.count("form_record_history") == ROWS

    again = site.upload(["新,x", "旧,5"], "all_or_nothing")
    work_on(site.database, site.folder)
    ended = site.standing(again)
    assert (ended["state"], ended["problem"]["code"]) == ("failed", "rows_invalid")
    assert site.count("form_records") == ROWS


def test_who_stops_an_import_keeps_what_was_brought_in(site: Site) -> None:
    import_id = site.upload([f"公司{number},{number}" for number in range(ROWS)], "valid_rows")
    site.die_at("import_chunk_after_commit")
    with site.database.begin(ME, "t", "form:lead.import") as work:
        stopping = jobs.cancel(work, {"form": "lead", "import_id": import_id}, [])
    assert (stopping["state"], stopping["cancelling"]) == ("running", True)
    work_on(site.database, site.folder)
    ended = site.standing(import_id)
    assert (ended["state"], ended["created"]) == ("cancelled", 500)
    assert site.count("form_records") == 500


def test_records_that_are_there_are_updated_or_skipped_by_what_is_unique(site: Site) -> None:
    site.upload(["甲,1", "乙,2"], "valid_rows")
    work_on(site.database, site.folder)
    skipped = site.upload(["丙,2", "丁,3"], "valid_rows", existing="skip")
    work_on(site.database, site.folder)
    found = site.standing(skipped)
    assert (found["created"], found["skipped"]) == (1, 1)
    updated = site.upload(["己,2", "甲,1", "戊,4", "庚,2"], "valid_rows", existing="update")
    work_on(site.database, site.folder)
    found = site.standing(updated)
    assert (found["created"], found["updated"], found["skipped"], found["failed"]) == (1, 1, 1, 1)
    names = site.run("SELECT fields ->> '公司' FROM form_records ORDER BY 1").scalars()
    assert sorted(names) == sorted(["甲", "己", "丁", "戊"])
