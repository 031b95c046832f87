"""`python -m localmesh.supervisor NAME [--no-mesh] [--private] [--page=MODULE:NAME]` keeps one instance running."""

import asyncio
import contextlib
import functools
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
from runtime.api import RuntimeFailure
from runtime.manifests import NAMESPACE
from runtime.serving import serving
from telemetry.figures import Figures
from telemetry.receiver import receiver
from telemetry.spans import SpanStore

from localmesh import network
from localmesh.api import Parts
from localmesh.client import LocalRuntime
from localmesh.control import Control
from localmesh.databases import LocalDatabases
from localmesh.edge import serving_edge
from localmesh.events import Events
from localmesh.exposition import Exposition
from localmesh.fake_apiserver import FakeApiServer
from localmesh.faults import LocalFaults
from localmesh.fleet import Fleet
from localmesh.identity import Identity
from localmesh.infrastructure import Infrastructure
from localmesh.instance import Instance, directory_of
from localmesh.leftovers import end_leftovers
from localmesh.lookup import Lookup
from localmesh.mesh import LocalMesh
from localmesh.objects import ROOT_NAMESPACE
from localmesh.observing import Observing
from localmesh.page import Page, made
from localmesh.process import adopt_orphans
from localmesh.resume import KEPT, Resume, left_behind
from localmesh.rpc import application
from localmesh.watcher import watch

HOUSEKEEPING = 2.0
TOKEN_RENEWAL = 3600.0


async def supervise(
    instance: Instance, stub_listener: socket.socket, page_factory: str, left: Resume | None
) -> bool:
    """Keep the instance running until it is told to end; whether it was ready."""
    events = Events()
    identity = Identity(instance.root / "secrets")
    stub = FakeApiServer((ROOT_NAMESPACE, NAMESPACE))
    infrastructure = Infrastructure(instance, identity, stub, events)
    fleet = Fleet(infrastructure)
    if left is not None:
        infrastructure.take_secrets(left.postgres_password, left.nats_token, left.log_hash_key)
        instance.page_key = left.page_key
    spans = SpanStore()
    figures = Figures()
    control, lookup = Control(infrastructure), Lookup(infrastructure, fleet)
    observing = Observing(infrastructure, fleet, lookup, events, spans, figures)
    parts = Parts(
        supervisor=control,
        workloads=fleet,
        mesh=LocalMesh(infrastructure, fleet, lookup),
        databases=LocalDatabases(infrastructure, fleet, observing),
        telemetry=observing,
        faults=LocalFaults(infrastructure, lookup),
    )
    telemetry = receiver(spans)
    telemetry.routes.extend(Exposition(infrastructure, fleet, figures).routes())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, control.ended.set)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(instance.control_socket))
    environment = {"FIGTREE_NAME": instance.name, "RUNTIME": "local"}
    runtime = LocalRuntime(await control.info(), parts)
    page = made(page_factory, runtime, environment, instance.page_key) if page_factory else None
    async with (
        serving(stub.application(identity.keys(), identity.user_keys()), stub_listener),
        serving(application(parts), listener),
        serving(telemetry, instance.listen(instance.telemetry_ip, "otlp")),
        _serve_page(page, instance),
        serving_edge(instance, fleet),
    ):
        starting = asyncio.create_task(_start(infrastructure, fleet, control, left))
        ended = asyncio.create_task(control.ended.wait())
        await asyncio.wait([starting, ended], return_when=asyncio.FIRST_COMPLETED)
        background = [asyncio.create_task(_keep_house(infrastructure, fleet, lookup, page))]
        if infrastructure.config is not None:
            background.append(asyncio.create_task(watch(infrastructure.config)))
        await ended
        if page is not None:
            await page.close()
        for task in (starting, *background):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        await fleet.end()
        await infrastructure.stop()
        end_leftovers(instance.root)
    return control.ready


def _serve_page(page: Page | None, instance: Instance) -> contextlib.AbstractAsyncContextManager[None]:
    if page is None or instance.page_listener is None:
        return contextlib.nullcontext()
    return serving(page.application, instance.page_listener)


async def _start(infrastructure: Infrastructure, fleet: Fleet, control: Control, left: Resume | None) -> None:
    try:
        await infrastructure.start([] if left is None else [Path(path) for path in left.applied])
        if left is not None:
            names = ", ".join(sorted({one.workload for one in left.workloads})) or "no workload"
            infrastructure.events.add("resumed", infrastructure.instance.name, names)
            await fleet.resume(left.workloads)
        remember = functools.partial(_remember, infrastructure, fleet)
        remember()
        fleet.changed = remember
        if infrastructure.config is not None:
            infrastructure.config.changed = remember
        control.ready = True
    except BaseException as error:
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        expected = isinstance(first, RuntimeFailure)
        control.failure = str(first) if expected else f"{type(first).__name__}: {first}"
        if not expected:
            raise


def _remember(infrastructure: Infrastructure, fleet: Fleet) -> None:
    """Write down what another supervisor needs to go on."""
    instance, config = infrastructure.instance, infrastructure.config
    sources = config.sources.values() if config is not None else ()
    Resume(
        instance.mesh,
        instance.block,
        instance.ports,
        instance.edge_port,
        instance.page_port,
        infrastructure.postgres.password,
        infrastructure.nats.token,
        infrastructure.log_hash_key,
        instance.page_key,
        fleet.wanted(),
        list(dict.fromkeys(map(str, sources))),
    ).write(instance.root)


async def _keep_house(
    infrastructure: Infrastructure, fleet: Fleet, lookup: Lookup, page: Page | None
) -> None:
    renewed = asyncio.get_running_loop().time()
    ended: set[int] = set()
    while True:
        await asyncio.sleep(HOUSEKEEPING)
        processes = [*infrastructure.processes().values(), *(p for r in fleet.all() for p in r.processes)]
        for process in processes:
            if process is not None:
                process.trim_log()
        known = {p.pid for p in processes if p is not None} | (page.pids() if page else set())
        ended = _bury_orphans(known, ended)
        if asyncio.get_running_loop().time() - renewed > TOKEN_RENEWAL:
            renewed = asyncio.get_running_loop().time()
            for proxy in lookup.all_proxies():
                proxy.renew_token()


def _bury_orphans(known: set[int | None], ended_before: set[int]) -> set[int]:
    """Grandchildren that came to us and had ended a round ago; who has just ended may be a command of our own, whose
    exit status somebody still waits for."""
    ended = set()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error, ChildProcessError):
            if child.pid in known or child.status() != psutil.STATUS_ZOMBIE or child.ppid() != os.getpid():
                continue
            ended.add(child.pid)
            if child.pid in ended_before:
                os.waitpid(child.pid, os.WNOHANG)
    return ended


def main() -> None:
    name, *options = sys.argv[1:]
    page_factory = next(
        (option.removeprefix("--page=") for option in options if option.startswith("--page=")), ""
    )
    instance = Instance(name, "--no-mesh" not in options, directory_of(name), private="--private" in options)
    if "--foreground" not in options:
        if os.fork():
            os._exit(0)
        os.setsid()
    try:
        instance.open()
    except RuntimeFailure as error:
        sys.exit(str(error))
    adopt_orphans()
    keep = False  # what cannot go on now may go on later: nothing is lost until `figtree down`
    try:
        end_leftovers(instance.root)
        if (left := left_behind(instance)) is None:
            instance.clear()
            instance.take_ports()
        else:
            keep = True
            instance.clear(KEPT)
            instance.take_ports(left.edge_port, left.page_port)
        if instance.private:
            network.isolate()
        stub_listener = instance.take_block(left.block, left.ports) if left else instance.take_block()
        if sys.version_info < (3, 12):  # a thread for each child otherwise
            asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
        if asyncio.run(supervise(instance, stub_listener, page_factory, left)):
            keep = False
    except RuntimeFailure as error:
        sys.exit(str(error))
    finally:
        instance.close(keep=keep)


if __name__ == "__main__":
    main()
