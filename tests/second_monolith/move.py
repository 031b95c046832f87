"""`python move.py step` takes the next step of the migration, `python move.py back` undoes the last one."""

import asyncio
import sys
from pathlib import Path

from runtime.api import RuntimeFailure
from strangler.gate import GateRefused
from strangler.replication import Lagging
from strangler.steps import Strangler
from surroundings import Surroundings


def show(_: str, text: str) -> None:
    sys.stdout.write(f"{text}\n")


async def main(direction: str) -> None:
    surroundings = Surroundings.of(Path("surroundings.json"))
    strangler = Strangler(surroundings, dwell=0.5, progress=show)  # type: ignore[arg-type]
    try:
        report = await (strangler.forward() if direction == "step" else strangler.back())
    except (GateRefused, Lagging, RuntimeFailure, ValueError) as refused:
        sys.exit(str(refused))
    sys.stdout.write(f"{report.step} {report.direction}: writers were held for {report.pause:.3f} s\n")


if __name__ == "__main__":
    if sys.argv[1:] not in (["step"], ["back"]):
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1]))
