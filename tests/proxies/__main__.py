"""`python -m tests.proxies dump FILE`: the normal form of each state, of the runtime that RUNTIME names, as JSON.
`python -m tests.proxies compare LOCAL CLUSTER`: what differs; exit status 1 if something does that is not explained.
"""

import json
import sys
from pathlib import Path
from typing import Any

from cli import choose
from cli.commands import carry_out
from cli.settings import Settings

from tests.proxies.compare import differences, unexplained
from tests.proxies.states import dumps


async def _dump() -> dict[str, Any]:
    return {name: found async for name, found in dumps(await choose.connect(Settings()))}


def main() -> int:
    match sys.argv[1:]:
        case ["dump", file]:
            content = carry_out(_dump())
            Path(file).write_text(json.dumps(content, indent=1, sort_keys=True))
            print(f"[proxies] {len(content)} states in {file}")
            return 0
        case ["compare", local, cluster]:
            states, others = (json.loads(Path(file).read_text()) for file in (local, cluster))
            found = differences(states, others)
            left = unexplained(found)
            for one in left:
                print(f"  {one}")
            print(f"[proxies] {len(states)} states, {len(found)} differences, {len(left)} not explained")
            return 1 if left else 0
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
