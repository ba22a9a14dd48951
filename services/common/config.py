"""Settings of one process, read once from the environment; all have defaults in embedded mode."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MEMORY_BROKER = "credit-memory://localhost"
SERVICES = ("customer", "application", "workflow", "limits", "risk_rules", "reporting")
GATEWAY = "gateway"
ALL_SERVICES = (*SERVICES, GATEWAY)
_PROXIES_MAX = 5


class ConfigurationError(Exception):
    """A setting that cannot be used; the text names it and says what is expected."""


@dataclass(frozen=True)
class Settings:
    """One process's settings. `database_url` is empty until an embedded PostgreSQL has been started."""

    http_host: str = "127.0.0.1"
    http_port: int = 8000
    data_dir: Path = Path("var")
    keys_dir: Path = Path("var/keys")
    admin_username: str = "admin"
    admin_password: str = ""
    amqp_uri: str = MEMORY_BROKER
    database_url: str = ""
    database_prefix: str = "credit_"
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    secret_key: str = ""
    smtp_url: str = ""
    storage_url: str = ""
    # Hosts, addresses and networks that webhooks may reach though they are not public.
    outgoing_allowed: tuple[str, ...] = ()
    # How people reach the suite, and how many proxies of our own stand before it.
    public_url: str = "http://127.0.0.1:8000"
    proxies: int = 0
    log_level: str = "WARNING"

    @property
    def embedded_broker(self) -> bool:
        """Whether messages stay inside this process."""
        return self.amqp_uri.startswith(MEMORY_BROKER)

    @property
    def files_url(self) -> str:
        """Where attachments are kept, as an fsspec URL or a folder."""
        return self.storage_url or str(self.data_dir / "files")

    def database(self, service: str) -> str:
        """The SQLAlchemy URL of one service's database on the configured server."""
        if not self.database_url:
            raise ConfigurationError("DATABASE_URL 未设置: 请使用 credit up, 或指定 PostgreSQL 服务器")
        head, _, query = self.database_url.partition("?")
        server = head.rstrip("/")
        scheme_end = server.find("://") + 3
        slash = server.find("/", scheme_end)
        if slash >= 0:
            server = server[:slash]
        for plain in ("postgres://", "postgresql://"):
            if server.startswith(plain):
                server = "postgresql+psycopg2://" + server[len(plain) :]
        return f"{server}/{self.database_prefix}{service}" + (f"?{query}" if query else "")

    def with_database(self, url: str) -> Settings:
        """The same settings over a server that has been started meanwhile."""
        return replace(self, database_url=url)


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment; `ConfigurationError` names what is wrong."""
    env = os.environ if environment is None else environment
    data_dir = Path(env.get("CREDIT_DATA_DIR") or "var").expanduser().resolve()
    return Settings(
        http_host=env.get("CREDIT_HTTP_HOST") or "127.0.0.1",
        http_port=_port(env.get("CREDIT_HTTP_PORT") or "8000"),
        data_dir=data_dir,
        keys_dir=Path(env.get("CREDIT_KEYS_DIR") or data_dir / "keys").expanduser().resolve(),
        admin_username=env.get("CREDIT_ADMIN_USERNAME") or "admin",
        admin_password=env.get("CREDIT_ADMIN_PASSWORD") or "",
        amqp_uri=env.get("AMQP_URI") or MEMORY_BROKER,
        database_url=env.get("DATABASE_URL") or "",
        database_prefix=env.get("CREDIT_DATABASE_PREFIX") or "credit_",
        timezone=_zone(env.get("CREDIT_TIMEZONE") or "Asia/Shanghai"),
        currency=(env.get("CREDIT_CURRENCY") or "CNY").upper(),
        secret_key=env.get("CREDIT_SECRET_KEY") or "",
        smtp_url=env.get("SMTP_URL") or "",
        outgoing_allowed=tuple((env.get("CREDIT_OUTGOING_ALLOWED") or "").replace(",", " ").split()),
        storage_url=env.get("CREDIT_STORAGE_URL") or "",
        public_url=_public_url(env),
        proxies=_proxies(env.get("CREDIT_PROXIES") or "0"),
        log_level=(env.get("CREDIT_LOG_LEVEL") or "WARNING").upper(),
    )


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= 65535:
        raise ConfigurationError(f"CREDIT_HTTP_PORT 应为 0 到 65535 之间的端口号, 实际为 {text!r}")
    return int(text)


def _public_url(env: Mapping[str, str]) -> str:
    here = f"http://{env.get('CREDIT_HTTP_HOST') or '127.0.0.1'}:{env.get('CREDIT_HTTP_PORT') or '8000'}"
    url = (env.get("CREDIT_PUBLIC_URL") or here).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"CREDIT_PUBLIC_URL 应以 https:// 或 http:// 开头, 实际为 {url!r}")
    return url


def _proxies(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _PROXIES_MAX:
        raise ConfigurationError(f"CREDIT_PROXIES 应为 0 到 {_PROXIES_MAX} 的整数, 实际为 {text!r}")
    return int(text)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise ConfigurationError(f"CREDIT_TIMEZONE 不是已知的时区: {name!r}") from problem
    return name
