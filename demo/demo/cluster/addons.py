"""`python -m demo.cluster.addons`: the folder of Istio's own add-ons, of the source that istiod is compiled from."""

import contextlib
import sys

from demo.cluster.tools import module_folder
from demo.runtimes.local.istio_binaries import istio_version

if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # what is told on the way is not the answer
        folder = module_folder("istio.io/istio", istio_version())
    sys.stdout.write(f"{folder / 'samples' / 'addons'}\n")
