"""The built page: files with a hash in their name for ever, the page itself never from a cache."""

import html
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response

BUILT = Path(__file__).resolve().parents[1] / "web" / "dist"
MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Figtree</title>
<h1>The page is not built</h1>
<p>Node.js was missing when the system was set up. <code>make page</code> builds it, or says what it needs; then load
this address again. Everything else works without it: <code>figtree --help</code>.</p></html>"""
PLACE = "%figtree-token%"


class Files:
    def __init__(self, token: str, folder: Path = BUILT) -> None:
        self._token = html.escape(token, quote=True)
        self._folder = folder

    async def page(self, _: Request) -> Response:
        index = self._folder / "index.html"
        if not index.exists():
            return HTMLResponse(MISSING, 503)
        text = index.read_text().replace(PLACE, self._token)
        return HTMLResponse(text, headers={"cache-control": "no-store"})

    async def asset(self, request: Request) -> Response:
        path = (self._folder / "assets" / request.path_params["path"]).resolve()
        if self._folder.resolve() not in path.parents or not path.is_file():
            return PlainTextResponse("there is no such file\n", 404)
        headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        packed = path.with_name(path.name + ".gz")
        if packed.exists() and "gzip" in request.headers.get("accept-encoding", ""):
            return FileResponse(packed, media_type=kind, headers=headers | {"content-encoding": "gzip"})
        return FileResponse(path, media_type=kind, headers=headers)
