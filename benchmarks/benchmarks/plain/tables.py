"""The tables of docs/architecture.md as mapped classes."""

import datetime as dt
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, ForeignKey, Index, Numeric, Text, UniqueConstraint, false, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True), Decimal: Numeric}  # noqa: RUF012


class Title(Base):
    __tablename__ = "titles"
    id: Mapped[str] = mapped_column(primary_key=True)
    isbn13: Mapped[str]
    name: Mapped[str]
    authors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    format: Mapped[str]
    publisher: Mapped[str]
    year: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Rate(Base):
    __tablename__ = "rates"
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    rate: Mapped[Decimal]


class ListPrice(Base):
    __tablename__ = "list_prices"
    title_id: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str]
    amount: Mapped[Decimal]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PriceBreak(Base):
    __tablename__ = "price_breaks"
    minimum_quantity: Mapped[int] = mapped_column(primary_key=True)
    percent: Mapped[Decimal]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    idempotency_key: Mapped[str]
    content_hash: Mapped[str]
    status: Mapped[str]
    currency: Mapped[str]
    discount_percent: Mapped[Decimal]
    total: Mapped[Decimal]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    lines: Mapped[list["OrderLine"]] = relationship(order_by="OrderLine.line_number", lazy="selectin")
    events: Mapped[list["OrderEvent"]] = relationship(lazy="raise", back_populates="order")
    __table_args__ = (UniqueConstraint("customer_id", "idempotency_key"),)


Index("orders_customer_id_id_idx", Order.customer_id, Order.id.desc())


class OrderLine(Base):
    __tablename__ = "order_lines"
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    line_number: Mapped[int] = mapped_column(primary_key=True)
    title_id: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[Decimal]
    total: Mapped[Decimal]


class OrderEvent(Base):
    __tablename__ = "order_events"
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    at: Mapped[datetime]
    published: Mapped[bool] = mapped_column(server_default=false(), default=False)
    order: Mapped[Order] = relationship(lazy="joined", back_populates="events")


Index("order_events_unpublished_idx", OrderEvent.at, postgresql_where=text("not published"))
