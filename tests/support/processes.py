"""Services as processes of their own, started as an operator starts them, and ended in every way."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import IO

import requests

from credit.suite import environment_of
from services.common.config import ALL_SERVICES, Settings
from tests.support.ports import LOOPBACK, free_port
from tests.support.wait import wait_until

READY_SECONDS_MAX = 90
STOP_SECONDS_MAX = 30


class ServiceProcess:
    """`credit serve NAMES` with these settings; `/readyz` and its like answer on `port`."""

    def __init__(self, settings: Settings, *names: str, environment: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self.names = names
        self.port = free_port()
        self._environment = {**environment_of(settings), **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the object

    @property
    def pid(self) -> int:
        """The process id while it runs."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> ServiceProcess:
        """Start it; it may take a while until it is ready."""
        command = [sys.executable, "-m", "credit.cli", "serve", *self.names, "--metrics-port", str(self.port)]
        self._process = subprocess.Popen(
            command, env=self._environment, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output
        )
        return self

    def wait_until_ready(self) -> ServiceProcess:
        """Wait until broker and databases answer it and it consumes."""
        wait_until(self._is_ready, READY_SECONDS_MAX, what=f"{self.names} to be ready")
        return self

    def wait_until_ended(self, timeout: float = STOP_SECONDS_MAX) -> int:
        """Its exit code, once it has ended by itself or by a signal."""
        assert self._process is not None, "not started"
        return self._process.wait(timeout)

    def stop(self) -> int:
        """SIGTERM, as an orchestrator sends it; answers the exit code. Fails when it takes over 30 s."""
        return self._end(signal.SIGTERM)

    def interrupt(self) -> None:
        """Ctrl-C in its terminal."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL: nothing is finished or said."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: it keeps its connections and does nothing."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGCONT)

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def get(self, path: str) -> requests.Response:
        """What it answers its operators at `/healthz`, `/readyz` or `/metrics`."""
        return requests.get(f"http://{LOOPBACK}:{self.port}{path}", timeout=10)

    def output(self) -> str:
        """Everything it has said so far."""
        self._output.flush()
        self._output.seek(0)
        return self._output.read().decode("utf-8", "replace")

    def __enter__(self) -> ServiceProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if problem is not None:
            # pytest shows it below the failed test.
            print(f"--- {' '.join(self.names)}\n{self.output()[-4000:]}")
        self.kill()
        self._output.close()

    def _is_ready(self) -> bool:
        if not self.is_running():
            raise RuntimeError(f"{self.names} ended:\n{self.output()[-4000:]}")
        try:
            ready = self.get("/readyz").status_code == 200
        except requests.RequestException:
            return False
        return ready and "/ ready:" in self.output()

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
        return self._process.wait(STOP_SECONDS_MAX)


@contextmanager
def services_apart(
    settings: Settings, replicas: Mapping[str, int] | None = None
) -> Iterator[dict[str, list[ServiceProcess]]]:
    """Every service as its own process (or `replicas` of it), ready; all are ended afterwards.

    `settings` hold a broker, migrated and seeded databases, keys, and the gateway's HTTP port.
    """
    count = dict.fromkeys(ALL_SERVICES, 1) | dict(replicas or {})
    with ExitStack() as stack:
        processes = {
            name: [stack.enter_context(ServiceProcess(settings, name)) for _ in range(count[name])]
            for name in ALL_SERVICES
        }
        for group in processes.values():
            for process in group:
                process.wait_until_ready()
        yield processes
