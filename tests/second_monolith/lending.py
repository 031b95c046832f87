"""The service that takes the module over, with tables of another shape."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from contract import Loan, Member, NewLoan, NewMember, add_routes, found, translating
from fastapi import FastAPI

MEMBER = "select id, concat_ws(' ', given_names, family_name) as name, email as mail from lending.members"
LOAN = (
    "select id, member_id, book, taken_at, returned_at"
    " from lending.loans left join lending.returns on loan_id = id"
)


class LendingService:
    """The port on the service's own tables."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def join(self, member: NewMember) -> Member:
        given, space, family = member.name.rpartition(" ")
        statement = (
            "insert into lending.members (given_names, family_name, email) values ($1, $2, $3) returning id"
        )
        with translating():
            member_id = await self._pool.fetchval(statement, given if space else None, family, member.mail)
        return await self.member(member_id)

    async def member(self, member_id: int) -> Member:
        return found(Member, await self._pool.fetchrow(f"{MEMBER} where id = $1", member_id))

    async def lend(self, loan: NewLoan) -> Loan:
        statement = "insert into lending.loans (member_id, book) values ($1, $2) returning id"
        with translating():
            loan_id = await self._pool.fetchval(statement, loan.member_id, loan.book)
        return await self.loan(loan_id)

    async def give_back(self, loan_id: int) -> Loan:
        returned = "insert into lending.returns select id, now() from lending.loans where id = $1"
        with translating():
            await self._pool.execute(f"{returned} on conflict do nothing", loan_id)
        return await self.loan(loan_id)

    async def loan(self, loan_id: int) -> Loan:
        return found(Loan, await self._pool.fetchrow(f"{LOAN} where id = $1", loan_id))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"]) as pool:
        app.state.lending = LendingService(pool)
        yield


app = FastAPI(lifespan=lifespan)
add_routes(app)
