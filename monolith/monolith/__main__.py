import argparse
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from rest_api.conventions import CONVENTIONS
from service_kit import server
from service_kit.telemetry import configure_logging

from monolith.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

# What a command needs is imported when it is chosen: Alembic or FastAPI alone take half a second. No other
# module outside of monolith.seams imports that package, and with SEAMS=off this one does not either.


def arguments() -> argparse.Namespace:
    """The command line; `command` is None if the monolith shall serve."""
    parser = argparse.ArgumentParser(prog="monolith", description="Serve, or do one of these and stop.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("migrate", help="bring the database to the newest revision")
    importing = commands.add_parser("import", help="upsert JSON lines from standard input")
    importing.add_argument("module", choices=["title", "currency", "pricing"])
    seeding = commands.add_parser("seed", help="fill an empty database")
    seeding.add_argument("--titles", type=int, default=0, metavar="N", help="generate titles up to N")
    seeding.add_argument("--orders", type=int, default=0, metavar="N", help="generate shipped orders up to N")
    seeding.add_argument(
        "--print",
        choices=["title", "currency", "pricing"],
        help="print the module's rows as `import` reads them, and fill nothing",
    )
    return parser.parse_args()


def run() -> None:
    """Serve, or run the chosen command and end."""
    chosen = arguments()
    if chosen.command == "seed" and chosen.print:
        from monolith.seed.lines import lines

        sys.stdout.writelines(lines(chosen.print, chosen.titles))
        return
    settings = Settings()
    configure_logging("monolith", settings.version, CONVENTIONS, settings.log_level, settings.log_hash_key)
    if chosen.command is None:
        serving(settings)
        return
    try:
        server.run(command(chosen, settings))
    except OSError as error:
        sys.exit(f"monolith {chosen.command}: the database does not answer: {error}")


def command(chosen: argparse.Namespace, settings: Settings) -> Callable[[], Coroutine[Any, Any, None]]:
    """The coroutine function of the chosen command."""
    url = settings.database_url
    match chosen.command:
        case "migrate" if settings.seams:
            from monolith.seams.migrations import migrate as migrate_with_seams

            return partial(migrate_with_seams, url)
        case "migrate":
            from monolith.migrations import migrate

            return partial(migrate, url)
        case "import" if settings.seams:
            from monolith.seams.fence import import_lines as import_unless_fenced

            return partial(import_unless_fenced, url, chosen.module, sys.stdin.buffer)
        case "import":
            from monolith.backoffice import import_lines

            return partial(import_lines, url, chosen.module, sys.stdin.buffer)
        case _:
            from monolith.seed import seed

            return partial(seed, url, chosen.titles, chosen.orders)


def application(settings: Settings) -> "FastAPI":
    """The REST application, with or without the seams."""
    if settings.seams:
        from monolith.seams.settings import SeamSettings
        from monolith.seams.wiring import application as with_seams

        return with_seams(SeamSettings())
    from monolith.wiring import application as plain

    return plain(settings)


def serving(settings: Settings) -> None:
    """Serve until SIGTERM; answer what is under way, then return."""
    import tracing
    from rest_api import figures
    from rest_api.serve import serve

    figures.serve(settings.metrics_listen)
    tracing.configure("monolith", settings.version, settings)
    server.run(partial(serve, application(settings), settings.listen))


if __name__ == "__main__":
    run()
