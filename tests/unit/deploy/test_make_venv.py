"""Tests of the script that makes the virtual environment: it says in plain words what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / ".ci" / "make-venv"


def _run(python: Path | str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT), str(folder)],
        env={"PYTHON": str(python), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def _script(path: Path, text: str) -> Path:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def test_it_makes_an_environment(tmp_path: Path) -> None:
    done = _run(sys.executable, tmp_path / "venv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv" / "bin" / "pip").exists()


def test_an_old_python_is_told_with_what_to_install(tmp_path: Path) -> None:
    old = _script(tmp_path / "python", "exit 1\n")
    done = _run(old, tmp_path / "venv")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_missing_venv_module_is_told_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    fails = 'if [ "$2" = venv ]; then mkdir "$3"; echo ensurepip is not available; exit 1; fi'
    lines = f'{fails}\nexec {sys.executable} "$@"\n'
    done = _run(_script(tmp_path / "python", lines), tmp_path / "venv")
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert "ensurepip is not available" in done.stderr
    assert not (tmp_path / "venv").exists()
