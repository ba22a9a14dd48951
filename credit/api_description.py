"""Prints the API's description, from which the browser's types are made: python -m credit.api_description."""

from __future__ import annotations

import json

from gateway import openapi
from gateway.app import PREFIX
from gateway.table import all_routes


def main() -> None:
    """Write it to standard output, as JSON."""
    print(json.dumps(openapi.document(all_routes(), PREFIX), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
