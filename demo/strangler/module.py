"""What the strangler has to know of a module; strangler.modules declares those of this monolith."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from strangler.database import MONOLITH

ROOT = Path(__file__).resolve().parents[2]
TRAFFIC = ROOT / "istio" / "traffic"
SCHEMA = "figtree_transformation"  # of the service's database: views and functions of a transformation


@dataclass(frozen=True, slots=True)
class Table:
    """A table that moves with its module, and its key."""

    name: str
    key: tuple[str, ...]

    @property
    def in_service(self) -> str:
        """The relation of the service's database that has the monolith's rows: the table of the same name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Derived(Table):
    """A table whose rows `select` computes from tables of the other shape (strangler.transformation).

    A row follows from those rows of `sources` whose named columns have the values of its key, or of the first columns
    of its key. All sources name equally many columns.
    """

    select: str
    sources: Mapping[str, tuple[str, ...]]

    @property
    def view(self) -> str:
        """The view of the service's database that computes the rows."""
        return f"{SCHEMA}.{self.name.replace('.', '_')}"

    @property
    def in_service(self) -> str:
        """The view: it says in the monolith's shape what the service's own tables hold."""
        return self.view

    @property
    def group(self) -> tuple[str, ...]:
        """The columns of the key that the sources name."""
        return self.key[: len(next(iter(self.sources.values())))]


@dataclass(frozen=True, slots=True)
class KeySequence:
    """A sequence that gives out keys: its name in the monolith's database and in the service's."""

    monolith: str
    service: str

    def at(self, database: str) -> str:
        """Its name in that database."""
        return self.monolith if database == MONOLITH else self.service


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the monolith and the service that replaces it; both have the module's name.

    The tables are the same on both sides, unless `service_tables` names the service's own: then those of both sides are
    Derived.
    """

    name: str
    tables: tuple[Table, ...]  # of the monolith, in the order in which every statement locks them
    service_tables: tuple[Derived, ...] = ()  # the service's own, in that order
    sequences: tuple[KeySequence, ...] = ()  # all that give out keys of these tables
    written_live: bool = False  # users write it, not only the back office
    newcomers: tuple[str, ...] = ()  # services that appear with this step and never were in the monolith
    on_return: str = ""  # SQL for the monolith's database when the monolith is the writer again
    prefixes: tuple[str, ...] = ()  # of the edge
    probes: tuple[
        tuple[str, str, str], ...
    ] = ()  # method, path and body of requests that are always mirrored

    def written_in(self, database: str) -> tuple[Table, ...]:
        """The tables that the application writes there."""
        return self.tables if database == MONOLITH else self.service_tables or self.tables

    def traffic(self, state: str) -> Path:
        """The file that sends the module's prefix of the edge where `state` says."""
        return TRAFFIC / f"edge-{self.name}-{state}.yaml"

    @property
    def shares(self) -> tuple[str, ...]:
        """Percentages of the reads that the service gets, one after the other, while the module co-exists.

        Rows that users write are read from one copy at a time: a commit that waits for the replica is visible there
        first, so a user who met both copies could see an order go back (docs/decisions/0026).
        """
        return ("100",) if self.written_live else ("10", "50", "100")

    @property
    def done(self) -> str:
        """The state of the module's traffic once it is strangled."""
        return "gateway" if self.written_live else "100"

    @property
    def newcomer_traffic(self) -> list[Path]:
        """The files that route the services which appear with this module."""
        return [TRAFFIC / f"edge-{name}-gateway.yaml" for name in self.newcomers]
