"""`python -m rest_api > docs/openapi.json` writes the contract."""

import json
import sys
from contextlib import AbstractAsyncContextManager

from rest_api.app import create_app
from rest_api.ports import Ports


def nothing() -> AbstractAsyncContextManager[Ports]:
    """Ports that are never called: only the document is wanted."""
    raise NotImplementedError("this application only describes itself")


if __name__ == "__main__":
    document = create_app(nothing).openapi()
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
