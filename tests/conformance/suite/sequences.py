"""The days around the last one that has rates, whichever that is."""

from datetime import date, timedelta

from tests.conformance.suite.recorder import Recorder, Request


async def days(recorder: Recorder) -> None:
    latest = await recorder.ask(Request("rates: latest", "GET", "/api/rates"))
    if latest.status_code != 200:
        return
    last = date.fromisoformat(latest.json()["date"])
    for offset in range(-1, 5):
        day = last + timedelta(offset)
        await recorder.ask(Request(f"rates: {offset} days behind the last", "GET", f"/api/rates?date={day}"))
