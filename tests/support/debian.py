"""Debian's packages for the tests that need a program of the system, where they may be installed."""

from __future__ import annotations

import os
import shutil
import subprocess


def install_packages(*names: str) -> bool:
    """Install packages as root; False where this is no Debian, we are not root, or it did not work."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *names]):
        if subprocess.run(["apt-get", *step], env=environment, capture_output=True, check=False).returncode:
            return False
    return True
