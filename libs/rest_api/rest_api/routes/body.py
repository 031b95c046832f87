"""Bodies are JSON and say so."""

from fastapi import HTTPException, Request


async def json_only(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Unsupported Media Type")
