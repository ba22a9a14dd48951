"""The house rules as tests: who may import what, how long things may be, that all services look alike."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("application", "customer", "limits", "reporting", "risk_rules", "workflow")
PACKAGES = ("services", "gateway", "credit")
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
FILE_LINES_USUAL = 400
LONG_FILES_SHARE_MAX = 0.05

# The modules of a service that are not rules; everything else beside them is.
ROOMS = {
    *(
        "__init__",
        "service",
        "operations",
        "store",
        "model",
        "schema",
        "rights",
        "events",
        "migrations",
        "seed",
    ),
}
ROOMS_OF_ALL = (
    "README.md",
    "__init__.py",
    "service",
    "operations",
    "store",
    "model",
    "schema",
    "rights",
    "migrations",
)
# What rules may know of the common layer: values and the two engines, nothing that reads or writes.
VALUES = {
    "caller",
    "clock",
    "duties",
    "field_rights",
    "decision_tables",
    "errors",
    "expressions",
    "forms",
    "ids",
    "money",
    "rights",
    "strict_json",
    "templates",
    "uscc",
}
STORAGE = {
    "services.common.bulk",
    "services.common.commands",
    "services.common.db",
    "services.common.engines",
    "services.common.events",
    "services.common.expressions.sql",
    "services.common.idempotency",
    "services.common.migrations",
    "services.common.paging",
    "services.common.parked",
    "services.common.positions",
    "services.common.scopes.owned",
    "services.common.snapshots",
    "services.common.tables",
    "services.common.messaging",
}
HTTP_CLIENTS = {"aiohttp", "httpx", "urllib3", "http.client", "urllib.request"}


def _python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from services.common import db` names a module in its second part.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_in(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def _importers(packages: set[str]) -> set[str]:
    files = _python_files(*PACKAGES)
    return {_module(path) for path in files if any(_is_in(name, packages) for name in _imports(path))}


def _room(module: str) -> str:
    """The room of `services.limits.store.orders` is `store`."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 else "__init__"


def _rules() -> list[Path]:
    files = [path for service in SERVICES for path in _python_files(f"services/{service}")]
    return [path for path in files if _room(_module(path)) not in ROOMS]


def test_nameko_is_imported_only_where_a_change_of_framework_would_look() -> None:
    allowed = {f"services.{service}.service" for service in SERVICES} | {"gateway.service"}
    strangers = _importers({"nameko"}) - allowed
    assert not {name for name in strangers if not _is_in(name, {"services.common.messaging"})}


def test_sqlalchemy_is_imported_only_by_those_who_store() -> None:
    def stores(name: str) -> bool:
        storing = name.startswith(("services.", "gateway.")) and {"store", "model", "migrations"} & set(
            name.split(".")
        )
        return bool(storing) or _is_in(name, STORAGE | {"credit.new_migration"})

    assert not {name for name in _importers({"sqlalchemy", "alembic"}) if not stores(name)}


def test_rules_know_the_standard_library_and_common_values_only() -> None:
    wrong = []
    values = {f"services.common.{name}" for name in VALUES}
    rules = _rules()
    modules = {_module(path) for path in rules}
    for path in rules:
        for name in _imports(path):
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and not _is_in(name, values | modules):
                wrong.append(f"{_module(path)} imports {name}")
    assert not wrong


def test_the_gateway_imports_common_and_shapes_of_the_services_only() -> None:
    published = ("schema", "rights")
    allowed = {"services.common"} | {
        f"services.{service}.{room}" for service in SERVICES for room in published
    }
    wrong = [
        f"{_module(path)} imports {name}"
        for path in _python_files("gateway")
        for name in _imports(path)
        if name.startswith("services.") and not _is_in(name, allowed)
    ]
    assert not wrong


def test_requests_is_the_one_http_client() -> None:
    assert not _importers(HTTP_CLIENTS)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    folder = ROOT / "services" / service
    missing = [
        room for room in ROOMS_OF_ALL if not (folder / room).exists() and not (folder / f"{room}.py").exists()
    ]
    assert not missing
    assert list((folder / "migrations").glob("0*.py")), "a service begins with its first migration"


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in _python_files(*PACKAGES, "tests")
        if "migrations" not in path.parts
        for node in ast.walk(_parsed(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert not long


def test_files_stay_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in _python_files(*PACKAGES, "tests")
        if "migrations" not in path.parts
    }
    assert not {name: lines for name, lines in lengths.items() if lines > FILE_LINES_MAX}
    longish = {name: lines for name, lines in lengths.items() if lines > FILE_LINES_USUAL}
    assert len(longish) <= LONG_FILES_SHARE_MAX * len(lengths), longish


def test_every_module_begins_with_a_sentence_on_its_room() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in _python_files(*PACKAGES, "tests")
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(_parsed(path))
    ]
    assert not silent


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|HA" + r"CK)\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _python_files(*PACKAGES, "tests")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line)
    ]
    assert not found


def test_tests_wait_for_conditions_and_never_sleep() -> None:
    sleeping = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _python_files("tests")
        if path.relative_to(ROOT).as_posix() != "tests/support/wait.py"
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.Call) and _called(node) == "sleep" and not _is_zero(node)
    ]
    assert not sleeping


def test_no_exception_is_swallowed() -> None:
    swallowed = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _python_files(*PACKAGES)
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.ExceptHandler) and all(isinstance(step, ast.Pass) for step in node.body)
    ]
    assert not swallowed


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_pin_by_hash_and_name_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    pinned = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
    assert len(pinned) > 30
    assert text.count("--hash=sha256:") >= len(pinned)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _is_zero(node: ast.Call) -> bool:
    return not node.args or (isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
