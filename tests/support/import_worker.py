"""A worker on the imports of records, alone: `python -m tests.support.import_worker DATABASE FILES`.

It may be told to die on its way (`FAULT_POINT`), as by a power cut.
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import sys  # noqa: E402

from services.application.model import metadata  # noqa: E402
from services.application.operations.imports import RecordTarget  # noqa: E402
from services.common.caller import service_caller  # noqa: E402
from services.common.db import Database  # noqa: E402
from services.common.imports import jobs  # noqa: E402
from services.common.imports.worker import Worker  # noqa: E402
from services.common.storage import FileStorage  # noqa: E402


def storage(folder: str) -> FileStorage:
    """Where tables lie."""
    return FileStorage(folder, size_max_bytes=jobs.LINES_BYTES_MAX)


def work_on(database: Database, folder: str) -> None:
    """Work until nothing waits any more."""
    worker = Worker(
        database,
        storage(folder),
        lambda asked: RecordTarget(database, asked, lambda *_: []),
        lambda: False,
    )
    worker.run_due(service_caller("application"))


if __name__ == "__main__":
    work_on(Database(sys.argv[1], metadata, name="application"), sys.argv[2])
