"""The guide for another monolith: its commands and files, from nothing to cut over and back, under load."""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from runpy import run_path
from typing import Any

import asyncpg
import httpx
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from manifests.analysis import PLATFORM, WAIVED
from manifests.tools import program
from runtime.manifests import ROOT
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.postgres import Postgres, execute
from tests.support.processes import answers_http, free_port, running

pytestmark = pytest.mark.system

HERE = Path(__file__).parent
GUIDE = (ROOT / "docs" / "how-to" / "strangle-your-own.md").read_text()
ADDRESS = "https://github.com/OWNER/figtree"
TAKE, STEP, BACK = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
FILES = dict(re.findall(r"^```(?:python|json)\n# (\S+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))
NAMES = (
    "Ada Lovelace",
    "Plato",
    "Ada King Lovelace",
    " leading",
    "trailing ",
    "two  spaces",
    "",
    "Ōe Kenzaburō",
)
BEFORE = 200  # members who were there before, each with a loan


def shell(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-euc", script]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=os.environ | environment, timeout=120
    )


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of one's own, with what the guide takes from this one."""
    folder = tmp_path_factory.mktemp("repositories")
    theirs, own = folder / "figtree", folder / "own"
    theirs.mkdir()
    own.mkdir()
    identity = "-c user.name=test -c user.email=test@example.com"
    copied = "demo/strangler demo/runtime demo/telemetry tests/second_monolith monolith/monolith/seams istio"
    for script in (
        f"cd '{ROOT}' && cp -r --parents {copied} {theirs} && cd {theirs} && git init -q && git add ."
        f" && git {identity} commit -qm first && git tag v0.1.0",
        TAKE.replace(ADDRESS, f"file://{theirs}"),
    ):
        done = shell(own, script)
        assert done.returncode == 0, done.stderr
    return own


@dataclass
class Library:
    """The running library: its folder, the addresses of both processes, and the databases' URLs."""

    folder: Path
    monolith: str
    databases: dict[str, str]  # as the superuser

    async def move(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run commands of the guide."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return await asyncio.to_thread(shell, self.folder, script, PATH=path)

    def declare(self, old: str = "", new: str = "") -> None:
        """Write the guide's declaration of the module, with one change."""
        text = FILES["migration/strangler/modules.py"]
        assert not old or text.count(old) == 1
        (self.folder / "migration/strangler/modules.py").write_text(text.replace(old, new) if old else text)

    async def rows(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.databases[database])
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()


async def migrate(url: str, folder: Path) -> None:
    """The tables of the library, then the revisions that the guide has taken."""
    connection = await asyncpg.connect(url)
    await connection.execute((HERE / "library.sql").read_text())
    await connection.execute(
        "insert into members (name, mail) select ($1::text[])[1 + n % $2], n || '@example.org'"
        " from generate_series(1, $3::int) n",
        NAMES,
        len(NAMES),
        BEFORE,
    )
    await connection.execute(
        "insert into loans (member_id, book, returned_at) select id, 'Book ' || id,"
        " case when id % 3 = 0 then now() end from members order by id"
    )
    await connection.close()

    def upgrade(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            for revision in sorted((folder / "migrations/versions").glob("*.py")):
                run_path(str(revision))["upgrade"]()

    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as begun:
        await begun.run_sync(upgrade)
    await engine.dispose()


@contextmanager
def processes(databases: dict[str, str], logs: Path) -> Iterator[dict[str, str]]:
    """The monolith and its service, which is there before anybody calls it; the URL of each."""
    ports = {name: free_port() for name in ("monolith", "lending")}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with ExitStack() as started:
        for name, application in (("lending", "lending:app"), ("monolith", "library:app")):
            words = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), application]
            words += ["--port", str(ports[name]), "--log-level", "warning"]
            environment = {"DATABASE_URL": databases[name], "LENDING_URL": urls["lending"]}
            started.enter_context(
                running(words, logs / f"{name}.log", answers_http(ports[name]), **environment)
            )
        yield urls


@pytest.fixture
async def library(taken: Path, postgres: Postgres, tmp_path: Path) -> AsyncIterator[Library]:
    """The running library before its first step."""
    owners = {"monolith": postgres.create("library"), "lending": postgres.create("lending")}
    admins = {name: postgres.admin_url(url.rpartition("/")[2]) for name, url in owners.items()}
    await migrate(owners["monolith"], taken)
    await execute(owners["lending"], (HERE / "lending.sql").read_text())
    with processes(owners, tmp_path) as urls:
        said = {"databases": admins, "processes": urls, "log": str(postgres.log)}
        assert said.keys() == json.loads(FILES["surroundings.json"]).keys()
        (taken / "surroundings.json").write_text(json.dumps(said))
        library = Library(taken, urls["monolith"], admins)
        library.declare()
        yield library
    await leave_nothing(admins)


async def leave_nothing(admins: dict[str, str]) -> None:
    """Other tests use the same server: no writer waits for a replica, and no slot keeps its log."""
    await execute(
        admins["monolith"], "alter system reset synchronous_standby_names", "select pg_reload_conf()"
    )
    for url in admins.values():
        connection = await asyncpg.connect(url)
        own = "select subname from pg_subscription s join pg_database d on d.oid = subdbid"
        for (name,) in await connection.fetch(f"{own} where datname = current_database()"):
            await connection.execute(f"alter subscription {name} disable")
            await connection.execute(f"drop subscription {name}")  # and its slot
        await connection.close()


@dataclass
class Users:
    """Three members at a time who join, borrow, return and look; each answer is compared with what they know."""

    url: str
    failed: list[str] = field(default_factory=list)
    requests: int = 0
    members: dict[int, tuple[str, str]] = field(default_factory=dict)  # name and mail, by id
    loans: dict[int, tuple[int, str, bool]] = field(default_factory=dict)  # member, book, whether it is back
    given: dict[str, list[tuple[float, float, int]]] = field(
        default_factory=dict
    )  # asked at, answered at, id

    async def __aenter__(self) -> "Users":
        self._client = httpx.AsyncClient(base_url=f"{self.url}/api/lending", trust_env=False, timeout=20)
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._use(number)) for number in range(3)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)
        await self._client.aclose()

    async def _use(self, number: int) -> None:
        choice = random.Random(number)
        while not self._stop.is_set():
            name, mail = choice.choice(NAMES), f"{choice.random()}@example.org"
            member = await self._ask("POST", "/members", {"name": name, "mail": mail})
            if member is None:
                continue
            self.members[member["id"]] = (name, mail)
            await self._expect(f"/members/{member['id']}", {"id": member["id"], "name": name, "mail": mail})
            loan = await self._ask("POST", "/loans", {"member_id": member["id"], "book": "Flatland"})
            if loan is None:
                continue
            self.loans[loan["id"]] = (member["id"], "Flatland", False)
            await self._expect(f"/loans/{loan['id']}", loan)
            if choice.random() < 0.7:
                back = await self._ask("POST", f"/loans/{loan['id']}/return", None)
                if back is not None:
                    self.loans[loan["id"]] = (member["id"], "Flatland", True)
                    await self._expect(f"/loans/{loan['id']}", loan | {"returned_at": back["returned_at"]})
            old = choice.randint(1, BEFORE)  # somebody who was there before
            await self._expect(
                f"/members/{old}", {"id": old, "name": NAMES[old % len(NAMES)], "mail": f"{old}@example.org"}
            )
            await asyncio.sleep(0.02)

    async def _ask(self, method: str, path: str, content: object = None) -> dict[str, Any] | None:
        self.requests += 1
        asked = time.monotonic()
        try:
            answer = await self._client.request(method, path, json=content)
        except httpx.HTTPError as error:
            self.failed.append(f"{method} {path}: {error!r}")
            return None
        if not answer.is_success:
            self.failed.append(f"{method} {path}: {answer.status_code} {answer.text}")
            return None
        said: dict[str, Any] = answer.json()
        if answer.status_code == 201:
            self.given.setdefault(path, []).append((asked, time.monotonic(), said["id"]))
        return said

    async def _expect(self, path: str, expected: dict[str, Any]) -> None:
        if (said := await self._ask("GET", path)) not in (expected, None):
            self.failed.append(f"GET {path}: {said}, not {expected}")


def assert_unique_and_growing(given: list[tuple[float, float, int]]) -> None:
    """An id that was asked for after another was answered is greater."""
    assert len({one for _, _, one in given}) == len(given)
    highest, floor = 0, {}
    events = [(asked, 0, n) for n, (asked, _, _) in enumerate(given)]
    events += [(answered, 1, n) for n, (_, answered, _) in enumerate(given)]
    for _, is_answer, n in sorted(events):
        if is_answer:
            highest = max(highest, given[n][2])
        else:
            floor[n] = highest
    assert [one for n, (_, _, one) in enumerate(given) if one <= floor[n]] == []


def split(name: str) -> tuple[str | None, str]:
    given, space, family = name.rpartition(" ")
    return (given if space else None), family


async def assert_stored(library: Library, users: Users) -> None:
    """Every row of the monolith is as it was before, or as it was acknowledged."""
    members = await library.rows("monolith", "select id, name, mail from members")
    loans = await library.rows("monolith", "select id, member_id, book, returned_at is not null from loans")
    before = {n: (NAMES[n % len(NAMES)], f"{n}@example.org") for n in range(1, BEFORE + 1)}
    assert {row[0]: row[1:] for row in members} == before | users.members
    assert {row[0]: row[1:] for row in loans if row[0] > BEFORE} == users.loans
    assert len(loans) == BEFORE + len(users.loans)


async def test_the_module_moves_and_returns_under_load_and_nothing_fails_or_is_lost(library: Library) -> None:
    async with Users(library.monolith) as users:
        await asyncio.sleep(0.5)
        step = await library.move(STEP)
        assert step.returncode == 0, step.stdout + step.stderr
        with pytest.raises(asyncpg.PostgresError, match="written elsewhere now"):
            await execute(library.databases["monolith"], "insert into members (name, mail) values ('', '')")
        known, written = dict(users.members), len(users.loans)
        stored = await library.rows(
            "lending", "select id, given_names, family_name, email from lending.members"
        )
        expected = {n: (*split(name), mail) for n, (name, mail) in known.items()}
        assert expected.items() <= {row[0]: row[1:] for row in stored}.items()
        await asyncio.sleep(0.5)
        assert len(users.loans) > written, "the service is written"
        back = await library.move(BACK)
        assert back.returncode == 0, back.stdout + back.stderr
        written = len(users.loans)
        await asyncio.sleep(0.5)
        assert len(users.loans) > written, "the monolith is written"
    assert users.failed == []
    assert users.requests > 500
    for given in users.given.values():
        assert_unique_and_growing(given)
    await assert_stored(library, users)
    gates = await library.rows(
        "monolith", "select step, detail from strangler.journal where what = 'gate of lending' order by at"
    )
    assert [json.loads(detail)["differences"] for _, detail in gates] == [0, 0]
    assert min(json.loads(detail)["rows"] for _, detail in gates) > 2 * BEFORE


async def refusal(library: Library, users: Users, old: str, new: str) -> str:
    """What a step with a changed declaration ends with; users go on at the monolith."""
    library.declare(old, new)
    step = await library.move(STEP)
    assert step.returncode == 1, step.stdout + step.stderr
    written = len(users.loans)
    await asyncio.sleep(0.3)
    assert len(users.loans) > written
    with pytest.raises(asyncpg.PostgresError, match="written elsewhere now"):
        await execute(library.databases["lending"], "delete from lending.returns")
    assert await library.rows("monolith", "select place from module_placement") == [("local",)]
    return step.stderr


async def test_a_transformation_that_loses_something_is_refused_and_may_be_corrected(
    library: Library,
) -> None:
    async with Users(library.monolith) as users:
        losing = ("substring(name from '^(.*) ') as given_names", "split_part(name, ' ', 1) as given_names")
        said = await refusal(library, users, *losing)
        assert re.search(r"members \d+: name is 'Ada King Lovelace' ≠ 'Ada Lovelace'", said), said
        library.declare()
        for script in (BACK, STEP, BACK):
            done = await library.move(script)
            assert done.returncode == 0, done.stdout + done.stderr
    assert users.failed == []
    await assert_stored(library, users)


async def test_a_sequence_that_is_not_declared_is_refused(library: Library) -> None:
    async with Users(library.monolith) as users:
        said = await refusal(
            library, users, '        KeySequence("loans_id_seq", "lending.loans_id_seq"),\n', ""
        )
        for side, sequence in (("monolith", "loans_id_seq"), ("service", "lending.loans_id_seq")):
            assert f"the sequence {sequence} of the {side}'s table" in said
    assert users.failed == []
    await assert_stored(library, users)


STATES = {  # and the hosts that each names
    "monolith": {"monolith"},
    "mirror": {"monolith", "lending"},
    "100": {"monolith", "lending"},
    "gateway": {"lending"},
}
WORKLOAD = """
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: default}
spec: {selector: {app: NAME}, ports: [{name: http, port: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: default}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: NAME, image: library/NAME}]}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: enabled}}\n"


def analysed(folder: Path, *texts: str) -> set[str]:
    """The codes of what `istioctl analyze` finds."""
    workloads = [WORKLOAD.replace("NAME", name) for name in ("monolith", "lending")]
    (folder / "all.yaml").write_text("\n---\n".join([NAMESPACE, PLATFORM.read_text(), *workloads, *texts]))
    command = [str(program("istioctl")), "analyze", "--use-kube=false", str(folder / "all.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert "all.yaml" in done.stdout + done.stderr
    return set(re.findall(r"\[(IST\d+)\]", done.stdout + done.stderr)) - set(WAIVED)


@pytest.mark.parametrize("state", STATES)
def test_istio_finds_nothing_wrong_with_a_state_of_the_route(taken: Path, state: str, tmp_path: Path) -> None:
    mesh = [path.read_text() for path in sorted((taken / "istio/mesh").glob("*.yaml"))]
    assert len(mesh) == 3
    assert re.findall("delegate: {name: ([^}]*)}", mesh[0]) == ["edge-lending"]
    assert re.findall("prefix: ([^}]*)", mesh[0]) == ["/api/lending"]
    route = (taken / f"istio/traffic/edge-lending-{state}.yaml").read_text()
    assert "name: edge-lending\n" in route
    assert "order" not in route
    assert set(re.findall(r"host: (\w+)", route)) == STATES[state]
    assert analysed(tmp_path, *mesh, route) == set()
    assert "IST0101" in analysed(tmp_path, mesh[0], mesh[2], route), "without its gateway"
