"""The OpenAPI document: what FastAPI derives from the routes, with the answers that we really give."""

from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from rest_api.models import OrderEvent, Problem

UNUSED_SCHEMAS = ("HTTPValidationError", "ValidationError")  # of FastAPI's own 422, which we never answer

# Named in texts and media types only, where FastAPI does not look.
ADDED_SCHEMAS: list[tuple[type[BaseModel], Literal["serialization"]]] = [
    (Problem, "serialization"),
    (OrderEvent, "serialization"),
]


def install(app: FastAPI) -> None:
    """Complete the OpenAPI document of the application."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    for path in found["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    schemas: dict[str, Any] = found["components"]["schemas"]
    for name in UNUSED_SCHEMAS:
        schemas.pop(name, None)
    _, added = models_json_schema(ADDED_SCHEMAS, ref_template="#/components/schemas/{model}")
    found["components"]["schemas"] = dict(sorted((schemas | added["$defs"]).items()))
    return found
