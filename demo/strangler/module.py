"""What the strangler has to know of a module; strangler.modules declares those of this monolith."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRAFFIC = ROOT / "istio" / "traffic"


@dataclass(frozen=True, slots=True)
class Table:
    """A table that moves with its module, and its key."""

    name: str
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the monolith and the service that replaces it; both have the module's name."""

    name: str
    tables: tuple[Table, ...]  # in the order in which every statement locks them
    written_live: bool = False  # users write it, not only the back office
    newcomers: tuple[str, ...] = ()  # services that appear with this step and never were in the monolith
    on_return: str = ""  # SQL for the monolith's database when the monolith is the writer again
    prefixes: tuple[str, ...] = ()  # of the edge
    probes: tuple[
        tuple[str, str, str], ...
    ] = ()  # method, path and body of requests that are always mirrored

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
