"""Tests of the built package: the image installs it, so everything that runs must be in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "gateway" / "web"
# What the program reads at run time, besides its modules.
DATA = {".css", ".html", ".ico", ".js", ".json", ".lark", ".mako", ".png", ".sql", ".svg"}


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    source = tmp_path_factory.mktemp("source")
    for name in ("services", "gateway", "credit"):
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", "built", "."], cwd=source, check=True, capture_output=True)
    (wheel,) = (source / "built").glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_every_module_and_migration_is_in_the_package(wheel_names: set[str]) -> None:
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in ("services", "gateway", "credit")
        for path in (ROOT / package).rglob("*.py")
        if "node_modules" not in path.parts
    }
    assert modules - wheel_names == set()


def test_every_data_file_is_in_the_package(wheel_names: set[str]) -> None:
    data = {
        path.relative_to(ROOT).as_posix()
        for package in ("services", "gateway", "credit")
        for path in (ROOT / package).rglob("*")
        if path.suffix in DATA and WEB not in path.parents
    }
    assert data - wheel_names == set()


def test_the_web_application_is_in_the_package_as_built(wheel_names: set[str]) -> None:
    built = {path.relative_to(ROOT).as_posix() for path in (WEB / "dist").rglob("[!.]*") if path.is_file()}
    assert {name for name in wheel_names if name.startswith("gateway/web/")} == built


def test_the_command_is_in_the_package(wheel_names: set[str]) -> None:
    assert any(name.endswith("entry_points.txt") for name in wheel_names)
