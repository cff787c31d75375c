"""The house rules of DESIGN.md, section 1, read from the sources themselves."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from started import ROOT

from database.access_tables import metadata
from database.engine import HEAD, MIGRATIONS, migrate, open_engine, revision
from exceptions import StartError
from utils.settings import Database

# A module imports from its own layer or from those before it.
LAYERS = ["exceptions", "utils", "database", "service", "controller", "__init__", "run"]
TOP = {"run", "configm", "manage", "command"}  # the last layer: its commands have a folder
CODE_FOLDERS = [*LAYERS[:5], "command"]
FLASK = {"flask", "flask_cors", "werkzeug"}
MODULES = sorted(
    [ROOT / f"{name}.py" for name in ("__init__", "run", "configm", "manage")]
    + [path for folder in CODE_FOLDERS for path in (ROOT / folder).rglob("*.py")]
)
MAX_LINES, MAX_ROOT_LINES = 250, 75

each_module = pytest.mark.parametrize(
    "path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES]
)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def layer_of(path: Path) -> str:
    """The layer in which a module stands."""
    name = path.relative_to(ROOT).with_suffix("").parts[0]
    return "run" if name in TOP else name


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """The top-level name of every import in a module, and whether a function holds it."""
    module = parsed(path)
    functions = [n for n in ast.walk(module) if isinstance(n, ast.FunctionDef | ast.Lambda)]
    inside = {node for function in functions for node in ast.walk(function)}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is relative"
            names = [node.module or ""]
        else:
            continue
        for name in names:
            yield name.partition(".")[0], node in inside


def public_things(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """A module and what others may use of it: functions, classes and their methods."""

    def inner(node: ast.Module | ast.ClassDef, name: str) -> Iterator[tuple[str, ast.AST]]:
        for child in node.body:
            if isinstance(child, ast.FunctionDef | ast.ClassDef) and child.name[0] != "_":
                yield f"{name}.{child.name}", child
                if isinstance(child, ast.ClassDef):
                    yield from inner(child, f"{name}.{child.name}")

    module = parsed(path)
    yield path.stem, module
    yield from inner(module, path.stem)


# Imports.


@each_module
def test_a_module_imports_from_its_own_layer_or_to_the_left(path: Path) -> None:
    layer = layer_of(path)
    rank = LAYERS.index(layer)
    for name, in_function in imports_of(path):
        target = "run" if name in TOP else name
        if target not in LAYERS:
            continue
        if target == "__init__":
            allowed = (
                layer == "controller" or path.stem == "run" or (layer == "run" and in_function)
            )
        else:
            allowed = LAYERS.index(target) <= rank
        assert allowed, f"{path.name} ({layer}) imports {name}"


@each_module
def test_service_and_database_know_no_flask(path: Path) -> None:
    if layer_of(path) in ("service", "database", "exceptions"):
        assert FLASK.isdisjoint(name for name, _ in imports_of(path))


@each_module
def test_imports_can_be_read_in_the_source(path: Path) -> None:
    nodes = list(ast.walk(parsed(path)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {alias.name for n in nodes if isinstance(n, ast.ImportFrom) for alias in n.names}
    if path == ROOT / "service" / "adapters.py":  # its table names modules of service/adapter
        names.remove("import_module")
    assert names.isdisjoint({"__import__", "import_module", "module_from_spec", "run_path"})


def test_only_controllers_and_the_last_layer_import_the_root() -> None:
    folders = [folder for folder in ROOT.iterdir() if folder.name[0] != "." and folder.is_dir()]
    ours = [path for folder in folders for path in folder.rglob("*.py")] + list(ROOT.glob("*.py"))
    ours = [path for path in ours if path.relative_to(ROOT).parts[0] not in ("test_case", "data")]
    importers = {path for path in ours if "__init__" in {name for name, _ in imports_of(path)}}
    controllers = set((ROOT / "controller").glob("*.py"))
    assert {layer_of(path) for path in importers} <= {"controller", "run"}
    assert controllers <= importers


def test_the_root_is_refused_under_any_other_name() -> None:
    code = (
        "import importlib.util as u, sys; spec = u.spec_from_file_location(sys.argv[1],"
        " '__init__.py'); spec.loader.exec_module(u.module_from_spec(spec))"
    )
    for name in ("redlog", "main", "__main__"):
        done = subprocess.run(
            [sys.executable, "-c", code, name], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("ImportError: the root is no package")


def test_however_it_is_reached_there_is_one_root(tmp_path: Path) -> None:
    code = "import run, manage, __init__, sys; from controller import logs; print(run.app.name, "
    code += "run.app is __init__.app is logs.app, "
    code += "sum(getattr(m, '__file__', None) == __init__.__file__ for m in sys.modules.values()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"REDLOG_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["redlog", "True", "1"], done.stderr


# Files.


def test_the_folders_hold_what_they_should() -> None:
    assert list((ROOT / "resource").rglob("*.py")) == []
    assert list((ROOT / "test_case").rglob("__init__.py")) == []
    assert {path.parent.name for path in ROOT.glob("*/*.py")} >= set(CODE_FOLDERS)


def test_every_test_module_is_collected() -> None:
    for path in (ROOT / "test_case").rglob("*.py"):
        has_tests = re.search(r"^ *def test_", path.read_text("utf-8"), re.MULTILINE)
        assert bool(has_tests) == path.name.startswith("test_"), path


@each_module
def test_a_module_can_be_read_at_once(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= (MAX_ROOT_LINES if path == ROOT / "__init__.py" else MAX_LINES)


@each_module
def test_everything_public_says_what_it_is_for(path: Path) -> None:
    missing = [
        name
        for name, node in public_things(path)
        if not ast.get_docstring(node)  # type: ignore[arg-type]
    ]
    assert missing == []


@each_module
def test_a_docstring_begins_with_a_sentence(path: Path) -> None:
    for name, node in public_things(path):
        first = (ast.get_docstring(node) or "x.").split("\n\n")[0]  # type: ignore[arg-type]
        assert first.rstrip()[-1] in ".:;", f"{name}: {first}"


# The lasting tables.


def test_alembic_makes_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    engine = open_engine(Database(url=""), tmp_path)
    assert revision(engine) is None
    migrate(engine)
    migrate(engine)
    assert revision(engine) == HEAD
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_change_of_the_tables_without_a_migration_would_be_seen(tmp_path: Path) -> None:
    engine = open_engine(Database(url=""), tmp_path)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE app DROP COLUMN created_at"))
        context = MigrationContext.configure(connection)
        assert [change[0] for change in compare_metadata(context, metadata)] == ["add_column"]
    engine.dispose()


def test_the_newest_migration_is_the_one_that_the_code_wants() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    engine = open_engine(Database(url=""), tmp_path)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StartError, match=rf"9999, newer than this version's {HEAD}"):
        migrate(engine)
    assert revision(engine) == "9999"
    engine.dispose()
