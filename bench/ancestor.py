"""The ancestor's way: answer at once, and let a new thread commit row by row through an ORM.

Kind settings: the write-ahead log, no flush at a commit, a long wait for the lock, and a record
that can't be stored does not cost the rest of its batch. What the threads still hold when the
process dies was acknowledged and is lost, and so is what never gets the lock.
"""

import os
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

from flask import Flask, Response, request
from sqlalchemy import Table, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateTable

FIELDS = ["time", "level", "message", "logger", "release", "platform"]
FIELDS += ["device_id", "session_id", "user_id", "seq"]

app = Flask("ancestor")
engine = create_engine(
    f"sqlite:///{Path(os.environ['BENCH_DIRECTORY']) / 'ancestor.db'}",
    connect_args={"timeout": 30},
    pool_size=16,
    max_overflow=-1,
)


class Base(DeclarativeBase):
    """The ORM's tables."""


class Log(Base):
    """One record."""

    __tablename__ = "log"
    __table__: ClassVar[Table]

    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[str]
    level: Mapped[str]
    message: Mapped[str]
    logger: Mapped[str]
    release: Mapped[str]
    platform: Mapped[str]
    device_id: Mapped[str]
    session_id: Mapped[str]
    user_id: Mapped[str]
    seq: Mapped[int]


@event.listens_for(engine, "connect")
def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


with engine.begin() as connection:
    connection.execute(CreateTable(Log.__table__, if_not_exists=True))  # two workers come here
engine.dispose()


@app.post("/api/v1/logs")
def report_logs() -> tuple[str, int]:
    """Start a thread that stores the records, and say that they were accepted."""
    Thread(target=_store, args=(request.get_json(),)).start()
    return "{}", 202


@app.get("/healthz")
def health() -> Response:
    """Alive."""
    return Response("{}")


def _store(records: list[dict[str, Any]]) -> None:
    with Session(engine) as session:
        for record in records:
            try:
                session.add(Log(**{name: record[name] for name in FIELDS}))
                session.commit()
            except SQLAlchemyError:
                session.rollback()
