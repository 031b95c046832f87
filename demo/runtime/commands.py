"""One-off commands of a runtime, run from here."""

import asyncio

from runtime.api import Command, CommandFailed


async def run(command: Command, stdin: bytes = b"", *, shown: str = "") -> str:
    """Its standard output. Raises CommandFailed with what it wrote to standard error, or with `shown` and its status if
    that was nothing. It ends with the caller."""
    process = await asyncio.create_subprocess_exec(
        *command.argv,
        env=command.env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate(stdin)
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        text = errors.decode(errors="replace").strip()
        raise CommandFailed(text or f"{shown or ' '.join(command.argv)}: status {process.returncode}")
    return output.decode()
