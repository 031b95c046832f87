# Imported first, so that pytest does not take the folders of these names around them for the packages.
import os

import dashboard as dashboard
import machine as machine
import manifests as manifests
import runtime as runtime
import scenes as scenes
import strangler as strangler
import telemetry as telemetry
from hypothesis import settings

import benchmarks as benchmarks
import loadtests as loadtests
import monolith as monolith

# A developer's proxies are for downloads: what the tests ask themselves, from gRPC to curl, answers on this machine.
for name in ("no_proxy", "NO_PROXY"):
    os.environ[name] = ",".join(
        [*os.environ.get(name, "").split(","), "localhost", "127.0.0.1", "127.0.0.0/8", "::1"]
    )

# Tests look at an instance's ports themselves, whatever make exports; those of a private network enter it.
os.environ["MESH_NETWORK"] = "shared"

# How long an example takes says something of the machine: Hypothesis allows 200 ms unless told otherwise.
settings.register_profile("figtree", deadline=None)
settings.load_profile("figtree")

pytest_plugins = ["tests.support.parallel", "tests.support.postgres", "tests.support.skips"]
