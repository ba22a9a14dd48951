"""The work of an import: chunk by chunk, each in one transaction with how far the import is then.

Whoever works holds a lease. A worker that dies loses it, and another goes on behind the last chunk that was
committed: each row is brought in exactly once. All or nothing is tried as a whole, then written in one
transaction, from its beginning if need be.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import eventlet

from services.common import faults
from services.common.caller import Caller, caller_from_claims
from services.common.db import Database, UnitOfWork
from services.common.errors import Conflict, CreditError, Unavailable
from services.common.ids import new_id
from services.common.imports import jobs, store
from services.common.imports.target import CREATED, SKIPPED, UPDATED, Asked, Row, Target
from services.common.storage import FileStorage

_log = logging.getLogger(__name__)
CHUNK_ROWS = 500
# So many rows are settled before others get a turn.
_TURN_ROWS = 20
_PROGRESS_SECONDS = 0.7
_TRIES = 5
_ATTEMPTS_MAX = 20
_RETRY_SECONDS = 3.0
_NOTHING = {CREATED: 0, UPDATED: 0, SKIPPED: 0, "failed": 0}


class _Stopped(Exception):
    """The work ends here: it was cancelled, taken over by another worker, or the service stops."""


class _Cancelled(Exception):
    """Its owner has stopped it."""


class _FoundErrors(Exception):
    """All or nothing: a row cannot be taken any more."""


class Worker:
    """Works on the imports of one service that wait, one after the other."""

    def __init__(
        self,
        database: Database,
        files: FileStorage,
        target_of: Callable[[Asked], Target],
        stopping: Callable[[], bool],
    ) -> None:
        self._database = database
        self._files = files
        self._target_of = target_of
        self._stopping = stopping

    def run_due(self, service: Caller) -> None:
        """Work until nothing waits any more."""
        while not self._stopping():
            with self._database.begin(service) as work:
                row = store.claim(work, new_id())
            if row is None:
                return
            self._take(row)

    def _take(self, row: dict[str, Any]) -> None:
        one = _Import(self._database, self._files, self._target_of, self._stopping, row)
        try:
            if row["attempts"] > _ATTEMPTS_MAX:
                # Whoever took it up has died of it, again and again.
                raise CreditError("导入多次中断, 请联系管理员", code="import_interrupted")
            one.run()
        except _Stopped:
            one.let_go(0)
        except _Cancelled:
            one.end("cancelled")
        except Unavailable as problem:
            _log.info("import %s goes on later: %s", row["id"], problem.code)
            one.let_go(_RETRY_SECONDS)
        except CreditError as refusal:
            one.end("failed", refusal)
        except Exception:  # noqa: BLE001 - the import fails and says so; the log has the cause
            _log.exception("import %s failed", row["id"])
            one.end("failed", CreditError("导入时发生内部错误, 请联系管理员", code="internal_error"))


class _Import:
    """One import in hand."""

    def __init__(
        self,
        database: Database,
        files: FileStorage,
        target_of: Callable[[Asked], Target],
        stopping: Callable[[], bool],
        row: dict[str, Any],
    ) -> None:
        self._database = database
        self._files = files
        self._stopping = stopping
        self._row = row
        self._caller = caller_from_claims(row["caller"])
        self._right = row["right"]
        asked = Asked(row["form"], self._caller, self._right, row["trace_id"], row["existing"])
        self._make_target: Callable[[], Target] = partial(target_of, asked)
        self._paths = [row["mapping"].get(heading) for heading in row["headings"]]
        self._told_at = time.monotonic()

    def run(self) -> None:
        """From where it stands to its end."""
        if self._row["phase"] == "write" and self._row["mode"] == "valid_rows":
            self._each(self._row["position"], self._write)
            self.end("done")
            return
        for _ in range(_TRIES):
            if self._row["phase"] == "check":
                self._check()
                if self._row["state"] == "checking":
                    self.end("checked")
                    return
                if self._row["failed"]:
                    problem = f"{self._row['failed']} 行有误, 未导入任何数据"
                    self.end("failed", CreditError(problem, code="rows_invalid"))
                    return
            try:
                self._write_all()
                return
            except (_FoundErrors, Conflict):
                # Somebody was faster with what must be unique: which rows it hits is found as at first.
                self._row["phase"] = "check"
        raise Conflict("数据不断被他人修改, 请稍后再试", code="import_disturbed")

    # --- chunks ------------------------------------------------------------------------------------------

    def _each(self, position: int, step: Callable[[Target, list[Row], int], None]) -> None:
        """Call `step` for each chunk; while the database works on one, the next is settled."""
        target = self._make_target()
        chunks = self._chunks(position)
        ahead = eventlet.spawn(self._settled, target, chunks)
        try:
            while True:
                found = ahead.wait()
                if found is None:
                    return
                ahead = eventlet.spawn(self._settled, target, chunks)
                step(target, *found)
                if self._stopping():
                    raise _Stopped
        finally:
            ahead.kill()
            chunks.close()

    def _chunks(self, position: int) -> Generator[tuple[list[Row], int], None, None]:
        rows: list[Row] = []
        end = position
        for line, cells, end in jobs.lines_of(self._files, self._row["lines_key"], position):
            filled = zip(self._paths, cells, strict=True)
            rows.append(Row(line, {path: cell for path, cell in filled if path and cell}))
            if len(rows) == CHUNK_ROWS:
                yield rows, end
                rows = []
        if rows:
            yield rows, end

    def _settled(
        self, target: Target, chunks: Iterator[tuple[list[Row], int]]
    ) -> tuple[list[Row], int] | None:
        found = next(chunks, None)
        if found is None:
            return None
        rows, end = found
        target.gather(rows)
        for place, row in enumerate(rows):
            target.settle(row)
            row.own_errors = len(row.errors)
            if place % _TURN_ROWS == 0:
                eventlet.sleep(0)
        return rows, end

    # --- trying ------------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Every row, from the first: what repeats within the file is known to nobody else."""
        with self._database.begin(self._caller, self._row["trace_id"], self._right) as work:
            self._hold(work)
            store.forget_errors(work, self._row["id"])
            self._advance(work, {**_NOTHING, "done": 0, "position": 0, "phase": "check"})
        self._each(0, self._examine)

    def _examine(self, target: Target, rows: list[Row], _end: int) -> None:
        with self._database.read(self._caller, self._row["trace_id"], self._right) as work:
            target.examine(work, rows)
        with self._database.begin(self._caller, self._row["trace_id"], self._right) as work:
            self._hold(work)
            self._keep_errors(work, rows)
            self._advance(work, self._counts(rows))

    # --- writing -----------------------------------------------------------------------------------------

    def _write(self, target: Target, rows: list[Row], end: int) -> None:
        """One chunk for good: its records, what is wrong with the others, and how far the import is."""
        for attempt in range(_TRIES):
            try:
                with self._database.begin(self._caller, self._row["trace_id"], self._right) as work:
                    self._hold(work)
                    self._examine_again(target, work, rows)
                    target.write(work, rows)
                    self._keep_errors(work, rows)
                    counts = self._counts(rows)
                    self._store(work, {**counts, "position": end, "attempts": 0})
                    faults.point("import_chunk_before_commit")
                self._row |= {**counts, "position": end}
                faults.point("import_chunk_after_commit")
                return
            except Conflict:
                if attempt == _TRIES - 1:
                    raise

    def _write_all(self) -> None:
        """All rows in one transaction; `_FoundErrors` for one that was good when it was tried."""
        counts = {**self._row, **_NOTHING, "done": 0, "phase": "write"}
        with self._database.begin(self._caller, self._row["trace_id"], self._right) as progress:
            self._hold(progress)
            self._advance(progress, {**_NOTHING, "done": 0, "phase": "write"})
        with self._database.begin(self._caller, self._row["trace_id"], self._right) as work:

            def write(target: Target, rows: list[Row], _end: int) -> None:
                self._examine_again(target, work, rows)
                if any(row.errors for row in rows):
                    raise _FoundErrors
                target.write(work, rows)
                work.write_out()
                faults.point("import_chunk_before_commit")
                counts.update(self._counts(rows, counts))
                with self._database.begin(self._caller, self._row["trace_id"], self._right) as progress:
                    self._hold(progress)
                    self._advance(progress, {"done": counts["done"]})

            self._each(0, write)
            self._hold(work)
            names = ("done", *_NOTHING)
            self._finish(work, "done", None, {name: counts[name] for name in names})

    @staticmethod
    def _examine_again(target: Target, work: UnitOfWork, rows: list[Row]) -> None:
        for row in rows:
            row.look_again()
        target.examine(work, rows)

    # --- how far it is -----------------------------------------------------------------------------------

    def _hold(self, work: UnitOfWork) -> None:
        held = store.hold(work, self._row["id"], self._row["lease"])
        if held is None:
            raise _Stopped
        self._row["version"] = held["version"]
        if held["cancelling"]:
            raise _Cancelled

    def _counts(self, rows: list[Row], before: dict[str, Any] | None = None) -> dict[str, Any]:
        counts = {name: (before or self._row)[name] for name in (*_NOTHING, "done")}
        for row in rows:
            counts["failed" if row.errors else row.status] += 1
        counts["done"] += len(rows)
        return counts

    def _keep_errors(self, work: UnitOfWork, rows: list[Row]) -> None:
        wrong = [
            {"import_id": self._row["id"], "line": row.line, "errors": row.errors}
            for row in rows
            if row.errors
        ]
        store.add_errors(work, wrong)

    def _advance(self, work: UnitOfWork, values: dict[str, Any]) -> None:
        self._store(work, values)
        self._row |= values

    def _store(self, work: UnitOfWork, values: dict[str, Any]) -> None:
        store.change(work, self._row["id"], values)
        if time.monotonic() - self._told_at >= _PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            jobs.told(work, "import_progressed", {**self._row, **values})

    def let_go(self, seconds: float) -> None:
        """Leave it to whoever takes it up next."""
        with self._database.begin(self._caller, self._row["trace_id"]) as work:
            store.release(work, self._row["id"], self._row["lease"], seconds)

    def end(self, state: str, problem: CreditError | None = None) -> None:
        """Write down how it ended."""
        with self._database.begin(self._caller, self._row["trace_id"]) as work:
            if store.hold(work, self._row["id"], self._row["lease"]) is not None:
                self._finish(work, state, problem, {})

    def _finish(
        self, work: UnitOfWork, state: str, problem: CreditError | None, counts: dict[str, Any]
    ) -> None:
        told = None
        if problem is not None:
            told = {"code": problem.code, "detail": problem.detail, "errors": problem.errors}
        values = {
            **counts,
            "state": state,
            "problem": told,
            "lease": None,
            "leased_until": None,
            "version": self._row["version"] + 1,
            "ended_at": work.now,
        }
        store.change(work, self._row["id"], values)
        name = "import_progressed" if state == "checked" else "import_ended"
        jobs.told(work, name, {**self._row, **values})
