"""What was measured, on what, as docs/benchmarks.json and docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Figures = dict[str, float]
_DOCS = Path(__file__).parents[2] / "docs"


def machine() -> dict[str, Any]:
    """When and on what it is measured."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": "fsync and synchronous_commit on",
    }


def show(figures: Figures, about: Mapping[str, Any]) -> None:
    """Print them."""
    print(json.dumps({"figures": figures, "about": about}, indent=2))


def write(figures: Figures, about: Mapping[str, Any], stays: Callable[[str], bool]) -> None:
    """Write them; of what an earlier run wrote, `stays` chooses by name what this one did not measure."""
    known = json.loads((_DOCS / "benchmarks.json").read_text(encoding="utf-8"))
    known_about = known.pop("about")
    figures = _renewed(known, figures, stays)
    about = _renewed(known_about, about, stays)
    text = json.dumps({**figures, "about": about}, indent=2, ensure_ascii=False)
    (_DOCS / "benchmarks.json").write_text(text + "\n", encoding="utf-8")
    lines = ["# Benchmarks", ""]
    lines += ["Written by `make bench` and `make bench-growth`; what they printed, nothing else.", ""]
    lines += ["| figure | value |", "|---|---|"]
    lines += [f"| `{name}` | {value} |" for name, value in figures.items()]
    lines += ["", "| measured on | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in about.items()]
    (_DOCS / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_alone(description: str | None, measure: Callable[[], Figures]) -> None:
    """Measure some figures by themselves, print them, and write them among the others unless told not to."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--keep", action="store_true", help="leave the files in docs/ alone")
    options = parser.parse_args()
    figures = measure()
    print(json.dumps(figures, indent=2))
    if not options.keep:
        write(figures, {}, lambda _: True)


def _renewed(
    known: Mapping[str, Any], new: Mapping[str, Any], stays: Callable[[str], bool]
) -> dict[str, Any]:
    """What is new in the place of what was known under its name."""
    kept = {name: new.get(name, value) for name, value in known.items() if name in new or stays(name)}
    return {**kept, **new}
