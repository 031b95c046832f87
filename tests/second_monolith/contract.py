"""The REST contract of the library, which monolith and service share, and what both do when they meet the fence."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol, TypeVar

import asyncpg
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


class NewMember(BaseModel):
    name: str
    mail: str


class Member(NewMember):
    id: int


class NewLoan(BaseModel):
    member_id: int
    book: str


class Loan(NewLoan):
    id: int
    taken_at: datetime
    returned_at: datetime | None


class Lending(Protocol):
    """The port of the module: whoever uses it does not know where it answers."""

    async def join(self, member: NewMember) -> Member: ...
    async def member(self, member_id: int) -> Member: ...
    async def lend(self, loan: NewLoan) -> Loan: ...
    async def give_back(self, loan_id: int) -> Loan: ...
    async def loan(self, loan_id: int) -> Loan: ...


class NotTheWriter(Exception):
    """The fence refused a write: the other side is the writer."""


@contextmanager
def translating() -> Iterator[None]:
    """Raises NotTheWriter for a statement that meets the fence."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if error.sqlstate == "FT001":
            raise NotTheWriter from error
        raise


def found(model: type[Model], row: asyncpg.Record | None) -> Model:
    """The row as the contract has it. Raises HTTPException (404) if there is none."""
    if row is None:
        raise HTTPException(404, f"there is no such {model.__name__.lower()}")
    return model.model_validate(dict(row))


def add_routes(app: FastAPI) -> None:
    """The library's routes; the lifespan of the application puts its port into `app.state.lending`."""

    def lending() -> Lending:
        port: Lending = app.state.lending
        return port

    @app.post("/api/lending/members", status_code=201)
    async def join(member: NewMember) -> Member:
        return await lending().join(member)

    @app.get("/api/lending/members/{member_id}")
    async def member(member_id: int) -> Member:
        return await lending().member(member_id)

    @app.post("/api/lending/loans", status_code=201)
    async def lend(loan: NewLoan) -> Loan:
        return await lending().lend(loan)

    @app.post("/api/lending/loans/{loan_id}/return")
    async def give_back(loan_id: int) -> Loan:
        return await lending().give_back(loan_id)

    @app.get("/api/lending/loans/{loan_id}")
    async def loan(loan_id: int) -> Loan:
        return await lending().loan(loan_id)

    @app.get("/healthz")
    async def healthz() -> str:
        return "ok"

    @app.exception_handler(NotTheWriter)
    async def refuse(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"reason": "NOT_THE_WRITER"}, 409)
