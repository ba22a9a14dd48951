"""RabbitMQ for tests: nodes that may be killed and wiped, and virtual hosts on the broker that is there."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from amqp import Connection as AmqpConnection
from amqp.exceptions import AMQPError

from tests.support.debian import install_packages
from tests.support.ports import LOOPBACK, free_port, is_listening
from tests.support.wait import wait_until

_START_SECONDS_MAX = 60
_CONTROL_SECONDS_MAX = 60
# Debian's programs in the search path change to the account of the system's own node; these do not.
_DEBIAN_PROGRAMS = Path("/usr/lib/rabbitmq/bin")


def program(name: str) -> str | None:
    """The path of one of RabbitMQ's programs, if it is installed."""
    here = _DEBIAN_PROGRAMS / name
    return str(here) if here.exists() else shutil.which(name)


def can_connect(uri: str, timeout: float = 5.0) -> bool:
    """Whether a broker answers at this AMQP URI and lets us in."""
    host, port, user, password, virtual_host = parts(uri)
    try:
        connection = AmqpConnection(
            f"{host}:{port}",
            user,
            password,
            virtual_host=virtual_host,
            connect_timeout=timeout,
            read_timeout=timeout,
        )
        connection.connect()
    except (AMQPError, OSError):
        return False
    connection.close()
    return True


def parts(uri: str) -> tuple[str, int, str, str, str]:
    """Host, port, user, password and virtual host of an AMQP URI."""
    from kombu.utils.url import parse_url

    found = parse_url(uri)
    return (
        found["hostname"] or LOOPBACK,
        int(found["port"] or 5672),
        found["userid"] or "guest",
        found["password"] or "guest",
        found["virtual_host"] or "/",
    )


class RabbitNode:
    """One RabbitMQ node on free loopback ports, its data in `folder`, with an own port mapper (epmd)."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.name = f"credit-test-{secrets.token_hex(4)}@localhost"
        self.pid: int | None = None
        self._distribution_port = free_port()
        self._mapper_port = free_port()
        self._node: subprocess.Popen[bytes] | None = None
        self._mapper: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """The AMQP URI of its virtual host `/`."""
        return self.uri_of("")

    def uri_of(self, virtual_host: str) -> str:
        """The AMQP URI of one of its virtual hosts."""
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}/{virtual_host}"

    def start(self) -> RabbitNode:
        """Start it, with the data it had, and wait until it lets clients in."""
        self._prepare()
        if self._mapper is None:
            self._mapper = self._start_mapper()
        server = program("rabbitmq-server")
        if server is None:
            raise FileNotFoundError("rabbitmq-server is not installed")
        with (self.folder / "output").open("ab") as output:
            self._node = subprocess.Popen(
                [server],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._node.pid
        wait_until(self._is_up, _START_SECONDS_MAX, what=f"RabbitMQ in {self.folder} to start")
        return self

    def stop(self) -> None:
        """Shut it down in order, and its port mapper; the data stay."""
        self._end(signal.SIGTERM)
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait(10)
            self._mapper = None

    def kill(self) -> None:
        """End it at once, as the kernel does when memory runs out (kill -9)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Shut it down in order and start it again with its data."""
        self._end(signal.SIGTERM)
        self.start()

    def wipe(self) -> None:
        """Kill it and start it again with nothing: no queue, no message, no exchange, no virtual host."""
        self.kill()
        shutil.rmtree(self.folder / "mnesia", ignore_errors=True)
        self.start()

    def pause(self) -> None:
        """Freeze the process: connections stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT)

    def raise_memory_alarm(self) -> None:
        """Make it believe that memory is short: it reads nothing more from those who publish."""
        self.control("set_vm_memory_high_watermark", "0.0000001")

    def clear_memory_alarm(self) -> None:
        """End the memory alarm."""
        self.control("set_vm_memory_high_watermark", "0.6")

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl against this node; answers what it printed."""
        return _control(arguments, self._environment())

    def queues(self, virtual_host: str = "/") -> dict[str, int]:
        """The queues and how many messages are ready in each."""
        listing = self.control(
            "--quiet", "list_queues", "--no-table-headers", "-p", virtual_host, "name", "messages_ready"
        )
        rows = [line.split("\t") for line in listing.splitlines() if line]
        return {name: int(count) for name, count in rows}

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.touch(mode=0o600)
            cookie.write_text(secrets.token_hex(16))
            cookie.chmod(0o400)
        (self.folder / "rabbitmq-env.conf").write_text("")
        (self.folder / "enabled_plugins").write_text("[].\n")
        lines = [f"listeners.tcp.local = {LOOPBACK}:{self.port}", "disk_free_limit.absolute = 10MB"]
        (self.folder / "rabbitmq.conf").write_text(
            "\n".join([*lines, "vm_memory_high_watermark.relative = 0.6"])
        )

    def _environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))}
        return clean | {
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # Else the start script stays between us and the node, and kill -9 would reach only the script.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _start_mapper(self) -> subprocess.Popen[bytes]:
        mapper = subprocess.Popen(
            ["epmd", "-port", str(self._mapper_port), "-address", LOOPBACK],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(lambda: is_listening(self._mapper_port), what="epmd to listen")
        return mapper

    def _is_up(self) -> bool:
        assert self._node is not None
        if self._node.poll() is not None:
            said = (self.folder / "output").read_text(errors="replace")[-3000:]
            raise RuntimeError(f"RabbitMQ ended with {self._node.returncode}:\n{said}")
        return is_listening(self.port) and can_connect(self.uri)

    def _end(self, how: signal.Signals) -> None:
        if self._node is None:
            return
        if self._node.poll() is None:
            self._node.send_signal(signal.SIGCONT)
            self._node.send_signal(how)
        self._node.wait(_CONTROL_SECONDS_MAX)
        self._node, self.pid = None, None
        wait_until(lambda: not is_listening(self.port), what="RabbitMQ's port to be free")

    def _signal(self, number: signal.Signals) -> None:
        assert self._node is not None, "the node does not run"
        self._node.send_signal(number)


class Broker:
    """The broker that tests share: each asks for a virtual host of its own, dropped at the end."""

    def __init__(self, uri: str, *, node: RabbitNode | None = None, container: str | None = None) -> None:
        self._uri = uri
        self._node = node
        self._container = container
        self._virtual_hosts: list[str] = []

    def new_virtual_host(self) -> str | None:
        """The AMQP URI of a new virtual host, none where we may not make one."""
        name = f"credit-test-{secrets.token_hex(6)}"
        host, port, user, password, _ = parts(self._uri)
        try:
            self._control("add_vhost", name)
            self._virtual_hosts.append(name)
            self._control("set_permissions", "-p", name, user, ".*", ".*", ".*")
        except (OSError, subprocess.SubprocessError):
            return None
        uri = f"amqp://{user}:{password}@{host}:{port}/{name}"
        # rabbitmqctl speaks to the machine's node: the broker of the URI may be another one.
        return uri if can_connect(uri) else None

    def drop_virtual_host(self, uri: str) -> None:
        """Drop one that `new_virtual_host` made."""
        name = parts(uri)[4]
        if name in self._virtual_hosts:
            self._virtual_hosts.remove(name)
            self._control("delete_vhost", name)

    def close(self) -> None:
        """Drop what is left, and end what was started for us."""
        if self._node is not None:
            self._node.stop()
        elif self._container is not None:
            subprocess.run(["docker", "rm", "--force", self._container], check=True, capture_output=True)
        else:
            for name in self._virtual_hosts:
                self._control("delete_vhost", name)

    def _control(self, *arguments: str) -> str:
        if self._node is not None:
            return self._node.control(*arguments)
        if self._container is not None:
            done = subprocess.run(
                ["docker", "exec", self._container, "rabbitmqctl", *arguments],
                check=True,
                capture_output=True,
                text=True,
            )
            return done.stdout
        return _control(arguments, dict(os.environ), through_path=True)


def find_broker(folder: Path) -> tuple[Broker | None, str]:
    """The broker for this run, or none and what was tried: AMQP_URI, localhost, or one that we start."""
    given = os.environ.get("AMQP_URI", "")
    if given:
        return (
            (Broker(given), "") if can_connect(given) else (None, "AMQP_URI is set, but nobody answers there")
        )
    local = f"amqp://guest:guest@{LOOPBACK}:5672/"
    if is_listening(5672) and can_connect(local):
        return Broker(local), ""
    return start_broker(folder)


def start_broker(folder: Path) -> tuple[Broker | None, str]:
    """A broker of our own: the installed RabbitMQ, else Docker, else Debian's package."""
    if program("rabbitmq-server") is None:
        container = _start_container()
        if container is not None:
            return container, ""
        if not _install_package():
            return None, "no broker on localhost, no rabbitmq-server, no Docker engine, no apt as root"
    node = RabbitNode(folder).start()
    return Broker(node.uri, node=node), ""


def _control(arguments: tuple[str, ...], environment: dict[str, str], *, through_path: bool = False) -> str:
    rabbitmqctl = shutil.which("rabbitmqctl") if through_path else program("rabbitmqctl")
    if rabbitmqctl is None:
        raise FileNotFoundError("rabbitmqctl is not installed")
    done = subprocess.run(
        [rabbitmqctl, *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=_CONTROL_SECONDS_MAX,
    )
    return done.stdout


def _start_container() -> Broker | None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        return None
    port = free_port()
    name = f"credit-test-{secrets.token_hex(4)}"
    command = [
        docker,
        "run",
        "--detach",
        "--name",
        name,
        "--publish",
        f"{LOOPBACK}:{port}:5672",
        "rabbitmq:4",
    ]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return None
    uri = f"amqp://guest:guest@{LOOPBACK}:{port}/"
    wait_until(
        lambda: can_connect(uri), _START_SECONDS_MAX, what="the RabbitMQ container", ignoring=(socket.error,)
    )
    return Broker(uri, container=name)


def _install_package() -> bool:
    return install_packages("rabbitmq-server") and program("rabbitmq-server") is not None
