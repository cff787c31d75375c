"""Migrations: from every earlier revision, with data in it, by several nodes at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from node import Node
from sqlalchemy import Engine, text

from database import engine as engine_module
from database.access_tables import metadata
from database.apps import Apps
from database.engine import HEAD, MIGRATIONS, migrate, open_engine, revision
from database.tables import shared_metadata
from exceptions import StartError
from utils.settings import Database

_config = Config()
_config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
REVISIONS = [script.revision for script in ScriptDirectory.from_config(_config).walk_revisions()]
APP_STATEMENTS = [
    ("INSERT INTO app (name, ingest_key, secret, created_at) VALUES ('商店 😀', 'k', 's', 1)",),
    (
        "INSERT INTO app (name, secret, created_at) VALUES ('商店 😀', 's', 1)",
        "INSERT INTO ingest_key (app_id, `key`, label, created_at) VALUES (1, 'k', 'l', 1)",
    ),
]
KINDS = ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return ""
    server = request.getfixturevalue("mariadb")
    return str(server.url(server.new_database()))


@pytest.fixture
def engine(url: str, tmp_path: Path) -> Engine:
    """Its engine."""
    return open_engine(Database(url), tmp_path)


@pytest.mark.parametrize("earlier", REVISIONS)
def test_data_of_every_earlier_revision_is_there_afterwards(
    engine: Engine, tmp_path: Path, earlier: str
) -> None:
    with engine.begin() as connection:
        engine_module._upgrade(connection, earlier)
        for statement in (
            *APP_STATEMENTS[earlier >= "0004"],
            "INSERT INTO app_counter (app_id, minute, outcome, records) VALUES (1, 2, 'stored', 3)",
        ):
            connection.execute(text(statement))
    assert revision(engine) == earlier
    migrate(engine)
    assert revision(engine) == HEAD
    apps = Apps(engine, tmp_path)
    assert [(app.name, app.ingest_key) for app in apps.all()] == [("商店 😀", "k")]
    assert apps.totals() == {1: {"stored": 3}}
    engine.dispose()


def is_another_type(
    context: Any, found: Any, known: Any, found_type: Any, known_type: Any
) -> bool | None:
    """Whether Alembic finds a type changed: MySQL makes of a text of some length its MEDIUMTEXT."""
    wanted = known_type.compile(dialect=context.dialect)
    return False if (wanted, str(found_type)) == ("TEXT(4194303)", "MEDIUMTEXT") else None


def test_the_tables_are_those_that_the_code_knows(engine: Engine) -> None:
    migrate(engine)
    known = [metadata] if engine.dialect.name == "sqlite" else [metadata, shared_metadata]
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": is_another_type})
        assert compare_metadata(context, known) == []  # type: ignore[arg-type]
    engine.dispose()


def test_several_nodes_may_migrate_at_once(url: str, tmp_path: Path) -> None:
    engines = [open_engine(Database(url), tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, engines))
    assert [revision(engine) for engine in engines] == [HEAD] * 4
    for engine in engines:
        engine.dispose()


def test_a_newer_schema_is_refused(url: str, tmp_path: Path) -> None:
    node = Node(tmp_path, url)
    with node.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StartError, match=f"9999, newer than this version's {HEAD}"):
        migrate(node.engine)
    node.close()
