"""`uvicorn benchmarks.plain.app:app`, with DATABASE_URL."""

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from uuid_utils.compat import uuid7

from benchmarks.plain.tables import ListPrice, Order, OrderEvent, OrderLine, PriceBreak, Rate, Title

log = logging.getLogger(__name__)
engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=10, max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
DELAY = timedelta(seconds=0.3)
NEXT = {"placed": "accepted", "accepted": "shipped"}
WITHOUT_CENTS = {"ISK", "JPY", "KRW"}


class LineIn(BaseModel):
    title_id: str = Field(min_length=1, max_length=32)
    quantity: int = Field(ge=1, le=10_000)


class OrderIn(BaseModel):
    customer_id: str = Field(min_length=1, max_length=64)
    currency: str = Field(pattern="^[A-Z]{3}$")
    lines: list[LineIn] = Field(min_length=1, max_length=100)


class LineOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title_id: str
    quantity: int
    unit_price: Decimal
    total: Decimal


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    customer_id: str
    status: str
    currency: str
    lines: list[LineOut]
    discount_percent: Decimal
    total: Decimal
    created_at: datetime


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    worker = asyncio.create_task(fulfil())
    yield
    worker.cancel()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


class TitleOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    isbn13: str
    name: str
    authors: list[str]
    format: str
    publisher: str
    year: int


@app.get("/api/titles/{title_id}", response_model=TitleOut)
async def get_title(title_id: str, db: Annotated[AsyncSession, Depends(session)]) -> Any:
    found = await db.get(Title, title_id)
    if found is None:
        raise HTTPException(404, f"there is no title {title_id}")
    return found


@app.post("/api/orders", status_code=201, response_model=OrderOut)
async def place_order(
    wanted: OrderIn,
    response: Response,
    db: Annotated[AsyncSession, Depends(session)],
    key: Annotated[str, Header(alias="Idempotency-Key")],
) -> Any:
    content = json.dumps(wanted.model_dump(), sort_keys=True)
    content_hash = hashlib.sha256(content.encode()).hexdigest()
    found = await db.scalar(
        select(Order).where(Order.customer_id == wanted.customer_id, Order.idempotency_key == key)
    )
    if found is not None:
        if found.content_hash != content_hash:
            raise HTTPException(409, f"the key {key} was used for an order with other content")
        response.status_code = 200
        return found
    lines = await priced(db, wanted)
    now = datetime.now(UTC)
    order = Order(
        id=uuid7(),
        customer_id=wanted.customer_id,
        idempotency_key=key,
        content_hash=content_hash,
        status="placed",
        currency=wanted.currency,
        discount_percent=Decimal(0),
        total=sum((line.total for line in lines), Decimal(0)),
        created_at=now,
        updated_at=now,
        lines=lines,
        events=[OrderEvent(sequence=1, status="placed", at=now)],
    )
    db.add(order)
    await db.commit()
    response.headers["location"] = f"/api/orders/{order.id}"
    return order


async def priced(db: AsyncSession, wanted: OrderIn) -> list[OrderLine]:
    day = await db.scalar(select(func.max(Rate.date)))
    basket_rate = await rate(db, day, wanted.currency)
    unit = Decimal(1) if wanted.currency in WITHOUT_CENTS else Decimal("0.01")
    lines = []
    for number, line in enumerate(wanted.lines, 1):
        if await db.get(Title, line.title_id) is None:
            raise HTTPException(400, f"there is no title {line.title_id}")
        price = await db.get(ListPrice, line.title_id)
        if price is None:
            raise HTTPException(400, f"title {line.title_id} has no price")
        reached = await db.scalar(
            select(PriceBreak)
            .where(PriceBreak.minimum_quantity <= line.quantity)
            .order_by(PriceBreak.minimum_quantity.desc())
            .limit(1)
        )
        percent = reached.percent if reached else Decimal(0)
        exact = price.amount * (1 - percent / 100) * basket_rate / await rate(db, day, price.currency)
        unit_price = exact.quantize(unit, ROUND_HALF_EVEN)
        lines.append(
            OrderLine(
                line_number=number,
                title_id=line.title_id,
                quantity=line.quantity,
                unit_price=unit_price,
                total=unit_price * line.quantity,
            )
        )
    return lines


async def rate(db: AsyncSession, day: Any, currency: str) -> Decimal:
    if currency == "EUR":
        return Decimal(1)
    found = await db.get(Rate, (day, currency))
    if found is None:
        raise HTTPException(400, f"{currency} has no rate on {day}")
    return found.rate


async def fulfil() -> None:
    """Moves orders on, one event after the other."""
    while True:
        try:
            async with sessions() as db:
                due = select(OrderEvent).where(~OrderEvent.published, OrderEvent.at <= func.now() - DELAY)
                for event in await db.scalars(due.order_by(OrderEvent.at).limit(500)):
                    event.published = True
                    if event.status in NEXT:
                        now = datetime.now(UTC)
                        event.order.status = NEXT[event.status]
                        event.order.updated_at = now
                        db.add(
                            OrderEvent(
                                order_id=event.order_id,
                                sequence=event.sequence + 1,
                                status=event.order.status,
                                at=now,
                            )
                        )
                await db.commit()
        except Exception:
            log.exception("fulfilment pauses")
        await asyncio.sleep(0.05)
