"""Running the suite: all in one process (`credit up`), or some services over RabbitMQ (`credit serve`)."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from credit.operations_server import OperationsServer
from credit.sample_data import SampleMaker, is_being_removed, remove_sample
from credit.suite import Say, database_of, prepare, service_class, with_server
from services.common.config import ALL_SERVICES, GATEWAY, ConfigurationError, Settings
from services.common.keys import load_public_keys
from services.common.messaging import Runner, run_until_stopped
from services.common.migrations import is_current

_READY_SECONDS_MAX = 120
_POLL_SECONDS = 0.5


class CannotRun(Exception):
    """The suite cannot start as asked; the text says why and what to do."""


def up(settings: Settings, say: Say) -> None:
    """Prepare and run everything in this process until SIGINT or SIGTERM."""
    _stop_on_sigterm()
    with ExitStack() as stack:
        stack.enter_context(alone(settings.data_dir))
        _refuse_busy_port(settings)
        say("客户授信管理系统 / credit suite")
        say(f"数据目录 / data folder: {settings.data_dir}")
        if not settings.database_url:
            say("正在启动内置数据库 / starting the embedded PostgreSQL …")
        settings = stack.enter_context(with_server(settings))
        say("正在准备数据库 / preparing the databases …")
        password = prepare(settings, say)
        if is_being_removed(settings):
            say("正在移除示例数据 / removing the sample data …")
            remove_sample(settings)
            prepare(settings, say)
        if password is not None:
            # Told before anything else can fail: it is kept nowhere in clear.
            say(f"管理员 / administrator: {settings.admin_username}")
            say(f"初始密码 / password:    {password}   (只显示这一次 / shown only this once)")
        say("正在启动服务 / starting the services …")
        maker = SampleMaker(settings, can_remove=True)
        runner = _TellingRunner(settings, maker, say)
        run_until_stopped(runner, lambda: _announce(settings, say))
    if maker.removal_asked:
        say("正在重新启动以移除示例数据 / starting anew to remove the sample data …")
        # Nothing of what ran may stay in memory; the process keeps its number for whoever watches it.
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - this very program
    say(f"已停止, 数据保留在 {settings.data_dir} / stopped, the data stay there")


class _TellingRunner(Runner):
    """A runner that says when it begins to stop, as that may take some seconds."""

    def __init__(self, settings: Settings, maker: SampleMaker, say: Say) -> None:
        super().__init__(settings, [service_class(name) for name in ALL_SERVICES], sample_maker=maker)
        self._say = say

    def stop(self) -> None:
        self._say("正在停止, 请稍候 / stopping, a moment please …")
        super().stop()


def serve(settings: Settings, names: Sequence[str], say: Say, metrics_port: int | None = None) -> None:
    """Run some services in this process over RabbitMQ until SIGINT or SIGTERM."""
    _stop_on_sigterm()
    if settings.embedded_broker:
        raise CannotRun(
            "credit serve 需要 RabbitMQ: 请设置 AMQP_URI, 例如 amqp://user:password@host:5672/ "
            "(不用 RabbitMQ 时请运行 credit up)"
        )
    with ExitStack() as stack:
        settings = stack.enter_context(with_server(settings))
        _wait_until_prepared(settings, names, say)
        if metrics_port is not None:
            stack.enter_context(OperationsServer(settings, names, metrics_port))
        maker = SampleMaker(settings, can_remove=False)
        runner = Runner(settings, [service_class(name) for name in names], sample_maker=maker)
        run_until_stopped(runner, lambda: say(f"已就绪 / ready: {', '.join(names)}"))
        say(f"已停止 / stopped: {', '.join(names)}")


@contextmanager
def in_background(settings: Settings, maker: SampleMaker | None = None) -> Iterator[Runner]:
    """All services in this process for as long as the block runs, on an HTTP port that the system chooses."""
    runner = Runner(settings, [service_class(name) for name in ALL_SERVICES], sample_maker=maker)
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Be the one process that runs the suite on this data folder; `CannotRun` when another one does."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(data_dir / "suite.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise CannotRun(
            f"系统已在运行 (数据目录 {data_dir}) / the suite already runs on this data folder"
        ) from None
    try:
        yield
    finally:
        os.close(lock)


def is_running(data_dir: Path) -> bool:
    """Whether a process runs the suite on this data folder."""
    try:
        with alone(data_dir):
            return False
    except CannotRun:
        return True


def _announce(settings: Settings, say: Say) -> None:
    address = f"http://{settings.http_host}:{settings.http_port}"
    say("")
    say(f"系统已就绪 / ready:        {address}")
    say(f"接口文档 / API reference:  {address}/api/docs")
    say(f"登录用户 / sign in as:     {settings.admin_username}")
    say("演示数据 / demo data:      在另一个终端运行 / in another terminal: .venv/bin/credit demo")
    say("停止 / to stop:            Ctrl-C")


def _refuse_busy_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.http_host, settings.http_port))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                raise CannotRun(
                    f"端口 {settings.http_port} 已被占用, 请换一个端口: CREDIT_HTTP_PORT=8001 make run"
                ) from problem
            raise CannotRun(f"无法监听 {settings.http_host}:{settings.http_port}: {problem}") from problem


def _wait_until_prepared(settings: Settings, names: Sequence[str], say: Say) -> None:
    """Containers start in any order: `credit migrate` and `credit keys` may still be at work elsewhere."""
    _wait_for(lambda: _missing_keys(settings, names), say)
    for name in names:
        _wait_for(lambda name=name: _missing_migrations(settings, name), say)  # type: ignore[misc]


def _wait_for(missing: Callable[[], str], say: Say) -> None:
    deadline = time.monotonic() + _READY_SECONDS_MAX
    told = ""
    while why := missing():
        if time.monotonic() > deadline:
            raise CannotRun(why)
        if why != told:
            say(why)
            told = why
        time.sleep(_POLL_SECONDS)


def _missing_keys(settings: Settings, names: Sequence[str]) -> str:
    try:
        public = load_public_keys(settings.keys_dir)
    except ConfigurationError as problem:
        return str(problem)
    wanted = [settings.keys_dir / "private" / f"{name}.pem" for name in names]
    wanted += [settings.keys_dir / "public" / f"{name}.pem" for name in ALL_SERVICES if name not in public]
    if GATEWAY in names and not settings.secret_key:
        wanted.append(settings.keys_dir / "private" / "session.secret")
    missing = [str(path) for path in wanted if not path.exists()]
    return f"缺少密钥, 等待 credit keys: {', '.join(missing)}" if missing else ""


def _missing_migrations(settings: Settings, name: str) -> str:
    with database_of(settings, name) as database:
        try:
            with database.engine.connect() as connection:
                if is_current(name, connection):
                    return ""
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is told, and in the end raised
            return f"数据库 {name} 尚不可用: {problem}"
    return f"数据库 {name} 缺少迁移, 等待 credit migrate"


def _stop_on_sigterm() -> None:
    """Until the services run and stop by themselves, SIGTERM ends us as an exception, cleaning up."""

    def leave(signum: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + signum)

    signal.signal(signal.SIGTERM, leave)
