"""Runs the till as a process of its own, which a fault point may end: `python -m tests.support.toy_process`.

Settings come from the environment; with `TAKE=customer:amount` it takes that amount once it has started.
"""

from __future__ import annotations

from services.common.green import make_green

make_green()

import os  # noqa: E402
import sys  # noqa: E402

from services.common.config import load_settings  # noqa: E402
from services.common.messaging import Runner, run_until_stopped  # noqa: E402
from tests.support.toys import CALLER, Till, take  # noqa: E402


def main() -> None:
    """Serve the till until SIGTERM."""
    runner = Runner(load_settings(), [Till])

    def ready() -> None:
        wanted = os.environ.get("TAKE", "")
        if wanted:
            customer, _, amount = wanted.partition(":")
            ground = next(iter(runner.container("till").dependencies))
            with ground.database.begin(CALLER) as work:
                take(work, customer, amount)
        print("ready", flush=True)

    run_until_stopped(runner, ready)


if __name__ == "__main__":
    sys.exit(main())
