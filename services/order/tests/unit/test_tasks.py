import asyncio

import pytest
from order.tasks import background, until_one_ends


async def deaf(heard: list[str]) -> None:
    """Loses its first cancellation, as wait_for may."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        heard.append("lost")
    await asyncio.sleep(60)


async def test_a_lost_cancellation_is_repeated() -> None:
    heard: list[str] = []
    async with asyncio.timeout(5), background(deaf(heard)):
        await asyncio.sleep(0)
    assert heard == ["lost"]


async def test_the_first_failure_stops_the_others_and_is_raised() -> None:
    heard: list[str] = []

    async def failing() -> None:
        await asyncio.sleep(0.01)
        raise ConnectionError("away")

    async with asyncio.timeout(5):
        with pytest.raises(ConnectionError, match="away"):
            await until_one_ends(deaf(heard), failing())
    assert heard == ["lost"]
