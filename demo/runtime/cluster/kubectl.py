"""kubectl as our way to the cluster: it knows contexts, certificates and login plugins, so that we need not."""

import atexit
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from runtime.api import Command, NotRunning, RuntimeFailure
from runtime.commands import run

BEGINS_WITHIN = 15.0


class Kubectl:
    """Commands against one context, and one `kubectl proxy` for everything that is asked of the API server."""

    def __init__(self, context: str) -> None:
        self.context = context
        self._proxy: subprocess.Popen[bytes] | None = None
        self._folder = Path()

    @property
    def command(self) -> list[str]:
        """The words that begin each command."""
        return ["kubectl", "--context", self.context]

    def socket(self) -> str:
        """The Unix socket of an API server that needs no credentials; only we may enter its folder."""
        if self._proxy is None or self._proxy.poll() is not None:
            self._start_proxy()
        return str(self._folder / "api.sock")

    def _start_proxy(self) -> None:
        self.close()
        self._folder = Path(tempfile.mkdtemp(prefix="figtree-kubectl-"))
        path = self._folder / "api.sock"
        # By default it keeps exec away; nothing is gained by that on a socket that is ours alone.
        serve = [*self.command, "proxy", "--unix-socket", str(path), "--reject-paths=^$"]
        self._proxy = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        atexit.register(self.close)
        deadline = time.monotonic() + BEGINS_WITHIN
        while not path.exists():
            if self._proxy.poll() is not None or time.monotonic() > deadline:
                assert self._proxy.stderr is not None
                self._proxy.kill()
                why = self._proxy.stderr.read().decode(errors="replace").strip()
                raise NotRunning(f"kubectl does not come to the cluster of context {self.context}: {why}")
            time.sleep(0.02)

    def close(self) -> None:
        """End `kubectl proxy` and remove its socket."""
        if self._proxy is not None:
            self._proxy.kill()
            self._proxy.wait()
            assert self._proxy.stderr is not None
            self._proxy.stderr.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._proxy = None

    async def run(self, *args: str, stdin: bytes = b"") -> str:
        """Its standard output; CommandFailed with what it wrote to standard error if it failed."""
        return await run(Command([*self.command, *args]), stdin, shown=f"kubectl {' '.join(args)}")

    def execute(self, namespace: str, pod: str, container: str, *command: str) -> Command:
        """`command` in a container, with our standard input."""
        where = ["-n", namespace, "exec", "-i", pod, "-c", container, "--"]
        return Command([*self.command, *where, *command])


def current_context() -> str:
    """The context that kubectl uses. Raises RuntimeFailure if there is no kubectl or no context."""
    if shutil.which("kubectl") is None:
        raise RuntimeFailure("there is no kubectl on the PATH")
    done = subprocess.run(
        ["kubectl", "config", "current-context"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotRunning(f"kubectl has no current context: {done.stderr.strip()}")
    return done.stdout.strip()
