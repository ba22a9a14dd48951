"""The doors and the worker of imports, the same in every service that takes tables in."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, ClassVar, cast

import eventlet
from eventlet.semaphore import Semaphore

from services.common.caller import service_caller
from services.common.errors import CreditError, Unavailable, is_passing
from services.common.imports import jobs, schema, store
from services.common.imports.columns import Column
from services.common.imports.target import Asked, Target
from services.common.imports.worker import Worker
from services.common.messaging.door import Call, OfService, endpoint
from services.common.messaging.timers import every
from services.common.storage import FileStorage

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 3.0
_CLEANING_SECONDS = 3600.0
_KEPT = timedelta(days=14)
_CLEANED_AT_ONCE_MAX = 100
_RIGHT = OfService("import_right")
# Of one process: the others wait, in the order in which they were started.
_at_once = Semaphore(2)


class ImportDoors:
    """Uploading, mapping, trying, running, stopping, and looking at it.

    To be inherited from before `Service`; what is brought in, and with which right, the service says.
    """

    ground: Any
    name: ClassVar[str]

    def import_right(self, received: Any) -> str:
        """The right to bring in what an input is about."""
        raise NotImplementedError

    def import_target(self, asked: Asked) -> Target:
        """What a service takes in."""
        raise NotImplementedError

    @endpoint(schema.ImportForm(), _RIGHT)
    def list_import_columns(self, call: Call) -> dict[str, Any]:
        """Every column that a table may have."""
        found = [column.view() for column in self._columns(call)]
        return {"form": call.input["form"], "items": found}

    @endpoint(schema.NewImport(), _RIGHT)
    def create_import(self, call: Call) -> dict[str, Any]:
        """Take an uploaded file in."""
        columns, files, asked = self._columns(call), self._files(), call.input
        taken = jobs.take_in(files, asked["storage_key"])
        try:
            return self._apply(call, jobs.create, asked["form"], asked["file_name"], taken, columns)
        except CreditError as refusal:
            if not is_passing(refusal):
                files.delete(taken["lines_key"])
            raise

    @endpoint(schema.ImportChange(), _RIGHT)
    def change_import(self, call: Call) -> dict[str, Any]:
        """Say what the columns mean."""
        return self._apply(call, jobs.change, call.input, self._columns(call))

    @endpoint(schema.ImportStart(), _RIGHT)
    def check_import(self, call: Call) -> dict[str, Any]:
        """Try every row."""
        return self._start(call, writes=False)

    @endpoint(schema.ImportStart(), _RIGHT)
    def run_import(self, call: Call) -> dict[str, Any]:
        """Bring the rows in."""
        return self._start(call, writes=True)

    @endpoint(schema.ImportStop(), _RIGHT)
    def cancel_import(self, call: Call) -> dict[str, Any]:
        """Stop it."""
        return self._apply(call, jobs.cancel, call.input, self._columns(call))

    @endpoint(schema.ImportKey(), _RIGHT)
    def get_import(self, call: Call) -> dict[str, Any]:
        """How far it is."""
        return self._read(call, jobs.get, call.input, self._columns(call))

    @endpoint(schema.ImportList(), _RIGHT)
    def list_imports(self, call: Call) -> dict[str, Any]:
        """A page of one's own."""
        return self._read(call, jobs.list_own, call.input)

    @endpoint(schema.ImportErrors(), _RIGHT)
    def list_import_errors(self, call: Call) -> dict[str, Any]:
        """Rows with errors."""
        return self._read(call, jobs.errors, self._files(), call.input)

    @endpoint(schema.ImportLines(), _RIGHT)
    def list_import_lines(self, call: Call) -> dict[str, Any]:
        """What came of each row."""
        return self._read(call, jobs.lines, self._files(), call.input)

    @endpoint(None, None)
    def list_recent_imports(self, call: Call) -> dict[str, Any]:
        """The newest of one's own, whatever their form."""
        return self._read(call, jobs.recent)

    @every(seconds=_LOOK_SECONDS, name="run-imports")
    def run_imports(self) -> None:
        """Work on what waits, or was left by a worker that is gone."""
        database, stopping = self.ground.database, self.ground.is_stopping
        worker = Worker(database, self._files(), self.import_target, stopping)
        with _at_once:
            worker.run_due(service_caller(self.name))

    @every(seconds=_CLEANING_SECONDS, name="clean-up-imports")
    def clean_up_imports(self) -> None:
        """Forget imports that nobody has touched for two weeks, with their lines."""
        with self.ground.database.begin(service_caller(self.name)) as work:
            old = store.older_than(work, work.now - _KEPT, _CLEANED_AT_ONCE_MAX)
            store.remove(work, [row["id"] for row in old])
        files = self._files()
        for row in old:
            files.delete(row["lines_key"])

    def _start(self, call: Call, *, writes: bool) -> dict[str, Any]:
        columns = self._columns(call)

        def start(work: Any) -> dict[str, Any]:
            return jobs.start(work, call.input, columns, writes=writes)

        answer = self._apply(call, start)
        eventlet.spawn_n(self._run_now)
        return answer

    def _run_now(self) -> None:
        try:
            self.run_imports()
        except Unavailable as problem:
            _log.info("imports are left for later: %s", problem.code)

    def _columns(self, call: Call) -> list[Column]:
        asked = Asked(call.input["form"], call.caller, call.right)
        with self.ground.database.glance(call.caller, call.trace_id) as work:
            return self.import_target(asked).columns(work)

    def _files(self) -> FileStorage:
        return FileStorage(self.ground.settings.files_url, size_max_bytes=jobs.LINES_BYTES_MAX)

    def _apply(self, call: Call, operation: Any, *arguments: Any) -> dict[str, Any]:
        return dict(cast(Any, self).apply(call, operation, *arguments))

    def _read(self, call: Call, operation: Any, *arguments: Any) -> dict[str, Any]:
        return dict(cast(Any, self).read(call, operation, *arguments))
