"""The engine of the lasting tables, and their migration."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.pool import QueuePool

from exceptions import StartError
from utils.settings import Database

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0002"
BUSY_SECONDS = 10


def open_engine(settings: Database, data_dir: Path) -> Engine:
    """The engine; nothing is connected before its first use."""
    url = settings.url or f"sqlite:///{data_dir / 'redlog.db'}"
    engine = create_engine(url, poolclass=QueuePool, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _set_up_connection)
    return engine


def _set_up_connection(connection: Any, _: Any) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def revision(engine: Engine) -> str | None:
    """The schema's revision; None when there is no schema yet."""
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine) -> None:
    """Bring the lasting tables to this version's schema. Raises StartError when they are newer."""
    current = revision(engine)
    if current == HEAD:
        return
    if current is not None and current > HEAD:
        raise StartError(f"the database has schema {current}, newer than this version's {HEAD}")
    from alembic import command  # slow to import, and seldom needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
