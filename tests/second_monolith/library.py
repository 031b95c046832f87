"""The library's monolith. `LocalLending` was there before; the rest of this file is the seam."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import asyncpg
import httpx
from contract import (
    Lending,
    Loan,
    Member,
    NewLoan,
    NewMember,
    NotTheWriter,
    add_routes,
    found,
    translating,
)
from fastapi import FastAPI, HTTPException

Answer = TypeVar("Answer")


class LocalLending:
    """The module in this process."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def join(self, member: NewMember) -> Member:
        statement = "insert into members (name, mail) values ($1, $2) returning *"
        with translating():
            return found(Member, await self._pool.fetchrow(statement, member.name, member.mail))

    async def member(self, member_id: int) -> Member:
        return found(Member, await self._pool.fetchrow("select * from members where id = $1", member_id))

    async def lend(self, loan: NewLoan) -> Loan:
        statement = "insert into loans (member_id, book) values ($1, $2) returning *"
        with translating():
            return found(Loan, await self._pool.fetchrow(statement, loan.member_id, loan.book))

    async def give_back(self, loan_id: int) -> Loan:
        statement = "update loans set returned_at = coalesce(returned_at, now()) where id = $1 returning *"
        with translating():
            return found(Loan, await self._pool.fetchrow(statement, loan_id))

    async def loan(self, loan_id: int) -> Loan:
        return found(Loan, await self._pool.fetchrow("select * from loans where id = $1", loan_id))


class RemoteLending:
    """The module as a service."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def join(self, member: NewMember) -> Member:
        return Member.model_validate(await self._ask("POST", "/api/lending/members", member.model_dump()))

    async def member(self, member_id: int) -> Member:
        return Member.model_validate(await self._ask("GET", f"/api/lending/members/{member_id}"))

    async def lend(self, loan: NewLoan) -> Loan:
        return Loan.model_validate(await self._ask("POST", "/api/lending/loans", loan.model_dump()))

    async def give_back(self, loan_id: int) -> Loan:
        return Loan.model_validate(await self._ask("POST", f"/api/lending/loans/{loan_id}/return"))

    async def loan(self, loan_id: int) -> Loan:
        return Loan.model_validate(await self._ask("GET", f"/api/lending/loans/{loan_id}"))

    async def _ask(self, method: str, path: str, content: object = None) -> object:
        answer = await self._client.request(method, path, json=content)
        if answer.status_code == 409:
            raise NotTheWriter
        if answer.is_error:
            raise HTTPException(answer.status_code, answer.text)
        return answer.json()


class SwitchableLending:
    """Reads follow the placement, writes follow the fence."""

    def __init__(self, local: Lending, remote: Lending) -> None:
        self.local, self.remote, self.is_remote = local, remote, False

    def __call__(self) -> Lending:
        return self.remote if self.is_remote else self.local

    async def join(self, member: NewMember) -> Member:
        return await self._write(lambda side: side.join(member))

    async def member(self, member_id: int) -> Member:
        return await self().member(member_id)

    async def lend(self, loan: NewLoan) -> Loan:
        return await self._write(lambda side: side.lend(loan))

    async def give_back(self, loan_id: int) -> Loan:
        return await self._write(lambda side: side.give_back(loan_id))

    async def loan(self, loan_id: int) -> Loan:
        return await self().loan(loan_id)

    async def _write(self, write: Callable[[Lending], Awaitable[Answer]]) -> Answer:
        side, other = (self.remote, self.local) if self.is_remote else (self.local, self.remote)
        for pause in (0.0, 0.2, 0.5, 1.0):  # more than one is needed during a cut-over only
            try:
                return await write(side)
            except NotTheWriter:  # nothing was written, so the other side may be asked
                side, other = other, side
                await asyncio.sleep(pause)
        raise HTTPException(503, "lending is moving; please repeat the request")


async def follow_placement(pool: asyncpg.Pool, lending: SwitchableLending) -> None:
    """Read the placement at each change, which its trigger notifies, and every 5 s."""
    changed = asyncio.Event()
    async with pool.acquire() as connection:
        await connection.add_listener("module_placement", lambda *_: changed.set())
        while True:
            place = await connection.fetchval("select place from module_placement where module = 'lending'")
            lending.is_remote = place == "remote"
            changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), 5)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with (
        asyncpg.create_pool(os.environ["DATABASE_URL"]) as pool,
        httpx.AsyncClient(base_url=os.environ["LENDING_URL"], trust_env=False) as client,
    ):
        app.state.lending = lending = SwitchableLending(LocalLending(pool), RemoteLending(client))
        following = asyncio.create_task(follow_placement(pool, lending))
        yield
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


app = FastAPI(lifespan=lifespan)
add_routes(app)
