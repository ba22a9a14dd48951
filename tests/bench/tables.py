"""A table of 100,000 records of a form of 15 fields, from the upload through the gateway to its last row.

Part of `make bench`; alone, at any size: `python -m tests.bench.tables --rows 20000`.
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import argparse  # noqa: E402
import csv  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import requests  # noqa: E402

from credit.demo.client import Client  # noqa: E402
from tests.bench import report  # noqa: E402
from tests.bench.company import ADMIN_PASSWORD  # noqa: E402
from tests.bench.records import FIELDS, values  # noqa: E402
from tests.bench.suites import suite_apart  # noqa: E402

Figures = dict[str, float]
ROWS = 100_000
_SILENCE_SECONDS_MAX = 60
_FORM = "bench-import"


def table(rows: int) -> bytes:
    """The rows as csv, as people write them."""
    written = [str(one["key"]) for one in FIELDS if one["type"] != "formula"]
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(written)
    for number in range(rows):
        row = {**values(number), "标签": "重点、华东", "重点": "是" if number % 2 == 0 else "否"}
        writer.writerow([row[key] for key in written])
    return target.getvalue().encode()


def measure(url: str, rows: int = ROWS) -> Figures:
    """The figure `import_rows_per_s`: rows over the time from the upload's first byte to the last commit."""
    login = {"username": "admin", "password": ADMIN_PASSWORD}
    token = str(Client(url).post("/auth/login", login)["access_token"])
    admin = Client(url, token)
    admin.post("/forms", {"key": _FORM, "title": {"zh": "基准"}, "fields": FIELDS})
    admin.post(f"/forms/{_FORM}:publish")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(table(rows))
        began = time.monotonic()
        made = admin.upload(f"/forms/{_FORM}/imports", path)
        one = f"/forms/{_FORM}/imports/{made['id']}"
        taken_in = time.monotonic()
        admin.post(f"{one}:run", {"version": made["version"]})
        _watch(url, token, str(made["id"]))
        ended = time.monotonic()
    found = admin.get(one)
    assert (found["state"], found["created"]) == ("done", rows), found
    return {
        "import_rows_per_s": round(rows / (ended - began)),
        "import_upload_s": round(taken_in - began, 1),
    }


def _watch(url: str, token: str, import_id: str) -> None:
    """Hear of the import's progress until it has ended, as a browser does."""
    headers = {"Authorization": f"Bearer {token}"}
    path = f"{url}/api/v1/events/stream"
    with requests.get(path, headers=headers, stream=True, timeout=_SILENCE_SECONDS_MAX) as stream:
        for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
            if line.startswith("data: ") and import_id in line:
                told = {one["id"]: one for one in json.loads(line.removeprefix("data: "))["items"]}
                if told[import_id]["state"] != "running":
                    return
    raise AssertionError("the stream ended before the import did")


def main() -> None:
    """Measure alone and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, suite_apart(Path(folder)) as suite:
        figures = measure(suite.url, options.rows)
    report.show(figures, {**report.machine(), "rows": options.rows})


if __name__ == "__main__":
    main()
