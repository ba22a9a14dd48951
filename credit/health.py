"""`python -m credit.health [PORT]`: whether the process on this port is ready (container health check)."""

from __future__ import annotations

import os
import sys

import requests

_ANSWER_SECONDS_MAX = 8


def main(port: str) -> int:
    """0 when `/readyz` answers 200, else 1, with what it said."""
    session = requests.Session()
    session.trust_env = False
    try:
        answer = session.get(f"http://127.0.0.1:{port}/readyz", timeout=_ANSWER_SECONDS_MAX)
    except requests.RequestException as problem:
        print(problem)
        return 1
    print(answer.text[:1000])
    return 0 if answer.status_code == 200 else 1


if __name__ == "__main__":
    default = os.environ.get("CREDIT_METRICS_PORT") or os.environ.get("CREDIT_HTTP_PORT") or "8000"
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else default))
