"""What a service says of the records that it takes in: what columns there are, and what becomes of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.common.caller import Caller
from services.common.db import UnitOfWork
from services.common.errors import CreditError
from services.common.imports.columns import Column

CREATED, UPDATED, SKIPPED = "created", "updated", "skipped"
REFUSE, SKIP, UPDATE = "refuse", "skip", "update"


@dataclass
class Row:
    """One row of a file on its way: `cells` by the paths that they fill, those that are empty left out.

    `made` is what the target has made of it; `status` what will come of it if it has no errors.
    """

    line: int
    cells: dict[str, str]
    errors: list[dict[str, Any]] = field(default_factory=list)
    made: Any = None
    status: str = CREATED
    # How many of its errors do not depend on what the database holds.
    own_errors: int = 0

    def refuse(self, path: str, code: str, message: str) -> None:
        """Say what is wrong, and where."""
        self.errors.append({"field": path, "code": code, "message": message})

    def refuse_as(self, refusal: CreditError) -> None:
        """The same of a refusal, at every place that it names and of which nothing is said yet.

        What several fields together must not be is not said while one of them could not be read.
        """
        said = {error["field"] for error in self.errors}
        for error in refusal.errors or [{"field": "", "code": refusal.code, "message": refusal.detail}]:
            if error["field"] not in said and not (said and error["code"] == "check"):
                self.refuse(str(error["field"]), str(error["code"]), str(error["message"]))

    def look_again(self) -> None:
        """Forget what was found in the database: it is looked at once more."""
        del self.errors[self.own_errors :]


@dataclass(frozen=True)
class Asked:
    """What a person asks for: into which form, with which right, what of records that are there already."""

    form: str
    caller: Caller
    right: str
    trace_id: str = ""
    existing: str = REFUSE


class Target(Protocol):
    """The records of one import; made anew for each, it may remember what it has seen."""

    def columns(self, work: UnitOfWork) -> list[Column]:
        """Every column that a table may have, in its order, with what the caller may not fill in."""

    def gather(self, rows: Sequence[Row]) -> None:
        """Look up what a chunk of rows speaks of, outside any unit of work: other services may be asked."""

    def settle(self, row: Row) -> None:
        """Make the record of a row and note what is wrong with it, asking nobody."""

    def examine(self, work: UnitOfWork, rows: Sequence[Row]) -> None:
        """Compare a chunk with what is stored and with the rows before it, and note what is wrong."""

    def write(self, work: UnitOfWork, rows: Sequence[Row]) -> None:
        """Write those that have no errors; `Conflict` where somebody was faster, to be examined again."""
