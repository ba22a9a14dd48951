"""A way into the suite for commands that work through its API: the running one, or one started for them."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import click

from credit.demo.client import ApiRefused, Client
from credit.suite import Say, prepare, with_server
from credit.up import alone, in_background, is_running
from services.common.config import Settings


class NoAccess(Exception):
    """The suite cannot be reached or does not let us in; the text says what to do."""


@contextmanager
def administrator(settings: Settings, say: Say, url: str | None = None) -> Iterator[Client]:
    """A signed-in administrator of the suite at `url`, else of the one that `settings` describe.

    In embedded mode the suite is started for as long as the block runs, unless it runs already. The password
    is CREDIT_ADMIN_PASSWORD, else the one just generated, else asked for.
    """
    with ExitStack() as stack:
        password: str | None = settings.admin_password or None
        if url is None and settings.embedded_broker and not is_running(settings.data_dir):
            stack.enter_context(alone(settings.data_dir))
            settings = replace(stack.enter_context(with_server(settings)), http_port=_free_port())
            say("系统没有运行, 现在临时启动 / the suite does not run: starting it for this command …")
            password = prepare(settings, say) or password
            stack.enter_context(in_background(settings))
        client = Client(url or f"http://{settings.http_host}:{settings.http_port}")
        if not client.is_up():
            raise NoAccess(f"{client.base_url} 没有应答或尚未就绪: 请先运行 make run / not ready")
        yield _sign_in(client, settings.admin_username, password)


def _sign_in(client: Client, username: str, password: str | None) -> Client:
    if password is None:
        if not sys.stdin.isatty():
            raise NoAccess(
                "请用 CREDIT_ADMIN_PASSWORD 给出管理员密码 / the administrator's password is needed"
            )
        password = str(click.prompt(f"{username} 的密码 / password", hide_input=True, err=True))
    try:
        return client.sign_in(username, password)
    except ApiRefused as refusal:
        raise NoAccess(f"管理员 {username} 登录失败 / sign-in failed: {refusal}") from refusal


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
