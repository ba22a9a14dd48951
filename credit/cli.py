"""The `credit` command: every way to start, fill, check, save and repair the suite."""

from __future__ import annotations

from services.common.green import make_green

make_green()

import functools  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from datetime import datetime  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import click  # noqa: E402
from tqdm import tqdm  # noqa: E402

from credit.access import NoAccess, administrator  # noqa: E402
from credit.backup import BackupProblem, back_up  # noqa: E402
from credit.backup import restore as restore_backup  # noqa: E402
from credit.databases import DatabaseProblem  # noqa: E402
from credit.demo.command import make_sample, replay_file  # noqa: E402
from credit.demo.company import CannotReplay  # noqa: E402
from credit.demo.invoices import UnreadableFile  # noqa: E402
from credit.demo.replay import ReplayFailed  # noqa: E402
from credit.handing_out import hand_out_keys  # noqa: E402
from credit.importing import FAULTS_SHOWN_MAX, KINDS, UnreadableImport, import_file  # noqa: E402
from credit.postgres_server import PostgresError  # noqa: E402
from credit.rebuilding import CannotRebuild  # noqa: E402
from credit.rebuilding import rebuild as rebuild_service  # noqa: E402
from credit.sample_data import NotRemovable, ask_for_removal, remove_sample  # noqa: E402
from credit.settling import StandsStill, settle  # noqa: E402
from credit.suite import migrate as migrate_databases  # noqa: E402
from credit.suite import prepare, with_server  # noqa: E402
from credit.suite import seed as seed_databases  # noqa: E402
from credit.up import CannotRun, alone  # noqa: E402
from credit.up import serve as serve_services  # noqa: E402
from credit.up import up as run_everything  # noqa: E402
from credit.verifying import Check  # noqa: E402
from credit.verifying import verify as verify_everything  # noqa: E402
from services.common.config import ALL_SERVICES, ConfigurationError, Settings, load_settings  # noqa: E402
from services.common.keys import make_missing_keys  # noqa: E402
from services.common.telemetry import configure_logging  # noqa: E402

# What a user can do something about is told in one line; anything else is a fault, and shows its trace.
_TOLD = (
    BackupProblem,
    CannotRebuild,
    CannotReplay,
    CannotRun,
    ConfigurationError,
    DatabaseProblem,
    NoAccess,
    NotRemovable,
    PostgresError,
    ReplayFailed,
    StandsStill,
    UnreadableFile,
    UnreadableImport,
)
_SERVICE = click.Choice(ALL_SERVICES)


def _show(bar: Any, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def _advance(bar: Any, count: int) -> None:
    bar.update(count)


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Hand the settings to a command, set up its logs, and tell its problems in plain words."""

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            settings = load_settings()
            configure_logging(settings.log_level, readable=sys.stderr.isatty())
            function(settings, *arguments, **options)
        except _TOLD as problem:
            raise click.ClickException(str(problem)) from problem

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="credit-suite")
def main() -> None:
    """客户授信管理系统: B2B trade credit, from the first form to the last overdue cent.

    Settings come from the environment: CREDIT_HTTP_PORT (8000), CREDIT_HTTP_HOST (127.0.0.1), CREDIT_DATA_DIR
    (./var), CREDIT_ADMIN_USERNAME, CREDIT_ADMIN_PASSWORD, AMQP_URI (in-memory broker), DATABASE_URL (embedded
    PostgreSQL), CREDIT_TIMEZONE (Asia/Shanghai), CREDIT_CURRENCY (CNY), CREDIT_SECRET_KEY, SMTP_URL,
    CREDIT_PUBLIC_URL (how people reach the suite, for links in mails), CREDIT_PROXIES (how many of your own
    proxies stand before it: 0), CREDIT_STORAGE_URL, CREDIT_OUTGOING_ALLOWED
    (hosts that webhooks may reach though not public), CREDIT_LOG_LEVEL (WARNING).
    """


@main.command()
@_command
def up(settings: Settings) -> None:
    """Start everything in one process; Ctrl-C stops it.

    Makes what is missing first: keys, databases, tables, the seeded configuration and the first
    administrator, whose password is CREDIT_ADMIN_PASSWORD, or is generated and shown once. The data stay in
    CREDIT_DATA_DIR.
    """
    run_everything(settings, click.echo)


@main.command()
@click.argument("services", nargs=-1, required=True, type=_SERVICE)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    envvar="CREDIT_METRICS_PORT",
    help="Answer /healthz, /readyz and /metrics here (CREDIT_METRICS_PORT).",
)
@_command
def serve(settings: Settings, services: tuple[str, ...], metrics_port: int | None) -> None:
    """Run one or several SERVICES in this process, over RabbitMQ (AMQP_URI).

    Start as many processes of a service as you need: they share its queues. Waits for `credit keys` and
    `credit migrate` where they have not been run yet.
    """
    serve_services(settings, list(dict.fromkeys(services)), click.echo, metrics_port)


@main.command()
@click.argument("services", nargs=-1, type=_SERVICE)
@_command
def migrate(settings: Settings, services: tuple[str, ...]) -> None:
    """Make missing databases and bring their tables up to date (all, or of the SERVICES named).

    On a server the role needs CREATEDB, unless the databases credit_<service> exist already. Repeating it
    changes nothing.
    """
    names = services or ALL_SERVICES
    with with_server(settings) as reached:
        for made in migrate_databases(reached, names):
            click.echo(f"已创建数据库 / made database {made}")
    click.echo(f"数据库结构是最新的 / up to date: {', '.join(names)}")


@main.command()
@_command
def seed(settings: Settings) -> None:
    """Lay down the configuration that ships with the product, and the first administrator, where missing.

    Flows, rules, dashboards and roles that exist already stay as they are. Runs the migrations first.
    """
    with with_server(settings) as reached:
        migrate_databases(reached)
        password = seed_databases(reached)
    click.echo("初始配置已就绪 / the seeded configuration is there")
    if password is not None:
        click.echo(
            f"管理员 / administrator {settings.admin_username}, 初始密码 / password (只显示一次): {password}"
        )


@main.command()
@click.option(
    "--hand-out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also give each service a folder here: its own private key and everybody's public ones.",
)
@_command
def keys(settings: Settings, hand_out: Path | None) -> None:
    """Make the key pairs with which the gateway and the services sign, where they are missing.

    They lie in CREDIT_KEYS_DIR (CREDIT_DATA_DIR/keys). Each service needs its own private key and all public
    ones, and must not see the private keys of the others: whoever holds one can sign as its owner.
    """
    made = make_missing_keys(settings.keys_dir)
    if hand_out is not None:
        hand_out_keys(settings.keys_dir, hand_out)
    click.echo(
        f"{settings.keys_dir}: " + (f"已生成 / made {', '.join(made)}" if made else "已齐全 / complete")
    )


@main.command()
@click.option(
    "--invoices",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Replay this csv file of settled invoices, as an ERP would have sent them.",
)
@click.option("--url", help="Address of the suite; default: the one these settings describe.")
@click.option("--remove", is_flag=True, help="Remove the sample that was made on screen; nothing may run.")
@_command
def demo(settings: Settings, invoices: Path | None, url: str | None, remove: bool) -> None:
    """Fill an empty suite with a company's history: an invented Chinese one, or that of --invoices FILE.

    Customers, limits approved through the real flow, then every order, invoice and payment in date order
    with the business date moving along, so warnings and freezes happen as they would have. Works on a suite
    without documents; starts one for itself where none runs.
    """
    if remove:
        with with_server(settings) as reached:
            ask_for_removal(reached)
            remove_sample(reached)
            prepare(reached, click.echo)
        click.echo("示例数据已移除 / the sample data are removed")
        return
    with administrator(settings, click.echo, url) as client:
        if invoices is not None:
            replay_file(client, invoices, click.echo)
        else:
            make_sample(client, click.echo)


@main.command(name="import")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", help="Address of the suite; default: the one these settings describe.")
@_command
def import_(settings: Settings, kind: str, file: Path, url: str | None) -> None:
    """Import customers (xlsx or csv), or orders, invoices or payments (csv), from FILE.

    A document file's header names the members of the JSON body of the same call of the API, e.g.
    `invoice_no,customer_code,amount,currency,invoice_date,due_date`. Importing a file twice changes nothing.
    """
    with administrator(settings, click.echo, url) as client, tqdm(unit=" rows", file=sys.stderr) as bar:
        result = import_file(client, kind, file, lambda rows: _advance(bar, rows))
    for fault in result.faults[:FAULTS_SHOWN_MAX]:
        click.echo(fault)
    if len(result.faults) > FAULTS_SHOWN_MAX:
        click.echo(f"… 另有 {len(result.faults) - FAULTS_SHOWN_MAX} 行 / more")
    click.echo(f"共 {result.rows} 行 / rows, 成功 / taken {result.taken}, 被拒 / refused {result.refused}")
    if result.taken < result.rows:
        sys.exit(1)


@main.command()
@click.argument("service", type=_SERVICE)
@_command
def rebuild(settings: Settings, service: str) -> None:
    """Build a SERVICE's projections again from the event logs of the others, e.g. `credit rebuild reporting`.

    Nothing is lost: they hold nothing of their own. A running suite does it while it works.
    """
    with with_server(settings) as reached, tqdm(unit=" events", file=sys.stderr) as bar:
        count = rebuild_service(reached, service, functools.partial(_show, bar))
    click.echo(f"已重建 / rebuilt {service}: {count} 个事件 / events")


@main.command()
@_command
def verify(settings: Settings) -> None:
    """Check that the books are right; exit code 1 when something is not. Changes nothing.

    Recomputes every balance from its entries and the hash chain that they form, compares reporting and the
    daily roots that it holds with the ledger, recomputes the chain of the audit trail, and looks for gaps in
    the event logs, positions that their sources do not know, and parked events.
    A suite that does not run is started for as long as events are still to be read.
    """

    # The lines stand above the bar, not in it.
    def tell(check: Check) -> None:
        tqdm.write(f"{'✓' if not check.faults else '✗'} {check.title} ({check.checked})")
        for fault in check.faults[:FAULTS_SHOWN_MAX]:
            tqdm.write(f"    {fault}")
        if len(check.faults) > FAULTS_SHOWN_MAX:
            tqdm.write(f"    … 另有 {len(check.faults) - FAULTS_SHOWN_MAX} 处 / more")

    with with_server(settings) as reached:
        settle(reached)
        with tqdm(unit=" rows", file=sys.stderr, leave=False) as bar:
            checks = verify_everything(reached, tell, functools.partial(_show, bar))
    faults = sum(len(check.faults) for check in checks)
    click.echo(f"发现 {faults} 处问题 / faults" if faults else "没有发现问题 / nothing is wrong")
    if faults:
        sys.exit(1)


@main.command()
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; default: ./credit-<time>.tar.gz",
)
@_command
def backup(settings: Settings, target: Path | None) -> None:
    """Save all databases (as of one moment), files and keys in one .tar.gz, while the suite runs or not.

    Works on the embedded PostgreSQL and on a server (DATABASE_URL). The file holds private keys: keep it
    safe.
    """
    target = (target or Path(f"credit-{datetime.now().astimezone():%Y%m%d-%H%M%S}.tar.gz")).absolute()
    if target.exists():
        raise BackupProblem(f"{target} 已存在 / exists already")
    with with_server(settings) as reached:
        manifest = back_up(reached, target)
    click.echo(f"已备份 / saved: {target} ({target.stat().st_size:,} bytes)")
    if manifest["files"] != "included":
        click.echo(f"附件在 {manifest['files']}, 请另行备份 / the files there are not in it")


@main.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the data that the target holds.")
@_command
def restore(settings: Settings, source: Path, force: bool) -> None:
    """Bring back what `credit backup` saved in SOURCE; the suite must be stopped.

    Refuses a target that holds data, unless --force is given. The present data stay until all of the saved
    ones have been read.
    """
    with alone(settings.data_dir), with_server(settings) as reached:
        manifest = restore_backup(reached, source, force=force)
    click.echo(f"已恢复 {manifest['created_at']} 的备份 / restored")


if __name__ == "__main__":
    main()
