"""The composition root: which classes the suite is made of, and what has to be there before they start."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from credit import databases
from credit.embedded_postgres import EmbeddedPostgres
from services.common.caller import service_caller
from services.common.config import ALL_SERVICES, GATEWAY, Settings
from services.common.db import Database
from services.common.keys import make_missing_keys
from services.common.migrations import upgrade

Say = Callable[[str], None]


def service_class(name: str) -> Any:
    """The nameko class of a service, e.g. `services.risk_rules.service.RiskRulesService`."""
    module = "gateway.service" if name == GATEWAY else f"services.{name}.service"
    title = "".join(part.capitalize() for part in name.split("_"))
    return getattr(importlib.import_module(module), f"{title}Service")


@contextmanager
def database_of(settings: Settings, name: str) -> Iterator[Database]:
    """One service's database, opened as that service opens it."""
    database = Database(
        settings.database(name), service_class(name).metadata, name=name, timezone=settings.timezone
    )
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def with_server(settings: Settings) -> Iterator[Settings]:
    """The settings over the configured PostgreSQL, or over the embedded one, which is left at the end."""
    if settings.database_url:
        yield settings
        return
    embedded = EmbeddedPostgres(settings.data_dir)
    url = embedded.start()
    try:
        yield settings.with_database(url)
    finally:
        embedded.stop()


def migrate(settings: Settings, names: Sequence[str] = ALL_SERVICES) -> list[str]:
    """Make missing databases and run missing migrations; returns the names of the databases made."""
    made = databases.create_missing(settings, tuple(names))
    for name in names:
        upgrade(name, settings.database(name))
    return made


def seed(settings: Settings, names: Sequence[str] = ALL_SERVICES) -> str | None:
    """Lay down what the product ships with, where it is missing; returns a generated admin password."""
    password = None
    for name in names:
        module = "gateway.identity.seed" if name == GATEWAY else f"services.{name}.seed"
        if importlib.util.find_spec(module) is None:
            continue
        plant = importlib.import_module(module).seed
        with database_of(settings, name) as database, database.begin(service_caller(name)) as work:
            if name == GATEWAY:
                password = plant(work, settings)
            else:
                plant(work)
    return password


def prepare(settings: Settings, say: Say) -> str | None:
    """Keys, databases, migrations and seeds, told step by step; returns a generated admin password."""
    if make_missing_keys(settings.keys_dir):
        say(f"已生成密钥 / made keys: {settings.keys_dir}")
    made = migrate(settings)
    if made:
        say(f"已创建 {len(made)} 个数据库 / made {len(made)} databases")
    return seed(settings)


def in_this_process(settings: Settings) -> Settings:
    """The settings with all messages kept inside this process."""
    return replace(settings, amqp_uri=Settings().amqp_uri)


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment under which a child process gets the same settings."""
    return os.environ | {
        "AMQP_URI": settings.amqp_uri,
        "CREDIT_ADMIN_PASSWORD": settings.admin_password,
        "CREDIT_ADMIN_USERNAME": settings.admin_username,
        "CREDIT_CURRENCY": settings.currency,
        "CREDIT_DATABASE_PREFIX": settings.database_prefix,
        "CREDIT_DATA_DIR": str(settings.data_dir),
        "CREDIT_HTTP_HOST": settings.http_host,
        "CREDIT_HTTP_PORT": str(settings.http_port),
        "CREDIT_KEYS_DIR": str(settings.keys_dir),
        "CREDIT_LOG_LEVEL": settings.log_level,
        "CREDIT_PROXIES": str(settings.proxies),
        "CREDIT_PUBLIC_URL": settings.public_url,
        "CREDIT_SECRET_KEY": settings.secret_key,
        "CREDIT_STORAGE_URL": settings.storage_url,
        "CREDIT_OUTGOING_ALLOWED": " ".join(settings.outgoing_allowed),
        "CREDIT_TIMEZONE": settings.timezone,
        "DATABASE_URL": settings.database_url,
        "SMTP_URL": settings.smtp_url,
    }
