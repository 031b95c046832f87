"""Walks through pages: every title once, in the order of ids, and an end."""

from urllib.parse import urlencode

from tests.conformance.suite.recorder import Recorder, Request

MOST_PAGES = 6


async def walk(recorder: Recorder) -> None:
    await _walk(recorder, "all titles", "/api/titles", page_size="100")
    await _walk(recorder, "titles with the", "/api/titles", query="the", page_size="37")
    await _walk(recorder, "titles of one author", "/api/titles", query="austen", page_size="2")


async def _walk(recorder: Recorder, name: str, path: str, **query: str) -> None:
    for page in range(1, MOST_PAGES + 1):
        answer = await recorder.ask(Request(f"{name}: page {page}", "GET", f"{path}?{urlencode(query)}"))
        token = answer.json().get("next_page_token")
        if not token:
            return
        query["page_token"] = token
