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


NOTHING: dict[str, Any] = {"responses": {}}
TAG = {"type": "string", "examples": ['W/"47DEQpj8HBSa+/TImW5JCe"']}


def install(app: FastAPI) -> None:
    """Complete the OpenAPI document of the application."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _validated(operation: dict[str, Any]) -> None:
    """GET answers with an ETag, and with 304 whoever names it (caching.Validators)."""
    operation.setdefault("parameters", []).append(
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "description": "The ETag of the answer that the client has",
            "schema": TAG,
        }
    )
    tag = {"ETag": {"description": "Names this content", "schema": TAG}}
    operation["responses"]["200"].setdefault("headers", {}).update(tag)
    operation["responses"]["304"] = {"description": "The client has this answer already", "headers": tag}
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    for path in found["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
        if "application/json" in path.get("get", NOTHING)["responses"].get("200", NOTHING).get("content", ()):
            _validated(path["get"])
    schemas: dict[str, Any] = found["components"]["schemas"]
    for name in UNUSED_SCHEMAS:
        schemas.pop(name, None)
    _, added = models_json_schema(ADDED_SCHEMAS, ref_template="#/components/schemas/{model}")
    found["components"]["schemas"] = dict(sorted((schemas | added["$defs"]).items()))
    return found
