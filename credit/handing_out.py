"""Giving each service the keys that it may hold, and no others, in a folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

from services.common.config import ALL_SERVICES, GATEWAY


def hand_out_keys(keys_dir: Path, target: Path) -> None:
    """Lay `target/<service>/{private,public}` for each service; what is there already is replaced."""
    for name in ALL_SERVICES:
        private = target / name / "private"
        public = target / name / "public"
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        public.mkdir(parents=True, exist_ok=True)
        owned = [f"{name}.pem"] + (["session.secret"] if name == GATEWAY else [])
        for file in owned:
            _write(private / file, (keys_dir / "private" / file).read_bytes(), 0o600)
        for path in (keys_dir / "public").glob("*.pem"):
            _write(public / path.name, path.read_bytes(), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    partial = path.with_name(path.name + ".new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
