"""Tests of the command line itself: help for everything, plain words instead of traces."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from credit.cli import main
from services.common.config import ALL_SERVICES

COMMANDS = (
    "backup",
    "demo",
    "import",
    "keys",
    "migrate",
    "rebuild",
    "restore",
    "seed",
    "serve",
    "up",
    "verify",
)


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for name in ("AMQP_URI", "DATABASE_URL", "CREDIT_KEYS_DIR", "CREDIT_HTTP_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CREDIT_DATA_DIR", str(tmp_path / "var"))
    return CliRunner()


def test_all_commands_are_there(runner: CliRunner) -> None:
    assert sorted(main.commands) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(runner: CliRunner, command: str) -> None:
    answer = runner.invoke(main, [command, "--help"])
    assert answer.exit_code == 0
    assert len(answer.output) > 200


def test_a_wrong_setting_is_told_in_one_line(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDIT_HTTP_PORT", "eighty")
    answer = runner.invoke(main, ["keys"])
    assert answer.exit_code == 1
    assert answer.output.startswith("Error: CREDIT_HTTP_PORT")


def test_an_unknown_service_is_refused(runner: CliRunner) -> None:
    assert runner.invoke(main, ["serve", "billing"]).exit_code == 2


def test_keys_are_made_once(runner: CliRunner, tmp_path: Path) -> None:
    first = runner.invoke(main, ["keys"])
    assert first.exit_code == 0
    assert "limits" in first.output
    key = (tmp_path / "var" / "keys" / "private" / "limits.pem").read_bytes()
    assert "complete" in runner.invoke(main, ["keys"]).output
    assert (tmp_path / "var" / "keys" / "private" / "limits.pem").read_bytes() == key


def test_handed_out_keys_hold_one_private_key_each(runner: CliRunner, tmp_path: Path) -> None:
    for _ in range(2):
        assert runner.invoke(main, ["keys", "--hand-out", str(tmp_path / "out")]).exit_code == 0
    for name in ALL_SERVICES:
        private = {path.name for path in (tmp_path / "out" / name / "private").iterdir()}
        assert private == {f"{name}.pem"} | ({"session.secret"} if name == "gateway" else set())
        public = {path.stem for path in (tmp_path / "out" / name / "public").iterdir()}
        assert public == set(ALL_SERVICES)
        assert (tmp_path / "out" / name / "private" / f"{name}.pem").stat().st_mode & 0o077 == 0
