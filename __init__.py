"""The whole server on one page: read it from top to bottom."""

if __name__ != "__init__":
    raise ImportError("the root is no package: import it as `__init__`, from its own folder")

import sys
from pathlib import Path

from flask import Flask

from database.apps import Apps
from database.engine import open_engine
from database.journal import Journal
from database.stores import open_store
from database.writer import Writer
from utils.guard import Guard
from utils.log import set_up_log
from utils.metrics import Metrics
from utils.problem import problem_reply
from utils.settings import load_settings
from utils.tokens import Tokens, load_secret
from utils.web import allow_origins

# Settings, and the few files that stand in the data directory from the first start on.
root = Path(__file__).resolve().parent
settings = load_settings(root / "setting.yaml")
data = settings.data_path
data.mkdir(mode=0o700, parents=True, exist_ok=True)
set_up_log(settings.server.log_level)
metrics = Metrics(data)

# Engines: made here, connected by the process that first uses them.
engine = open_engine(settings.database, data)
apps = Apps(engine, data)
tokens = Tokens(load_secret(data))
journal = Journal(settings.journal, data)
log_store = open_store(engine, data)
drain = [sys.executable, str(root / "manage.py"), "journal", "drain"]
writer = Writer(data, log_store, settings.writer, settings.retention, metrics.count_records, drain)

# The application; pages of other origins are let in by Flask-Cors.
app = Flask("redlog", root_path=str(root), static_folder=None)
allow_origins(app, settings.cors)
app.register_error_handler(Exception, problem_reply)

# The guards of the routes: who may report, who may read.
guard = Guard(apps.id_of_key, apps.ids, tokens)
ingest_key_required = guard.ingest_key_required
token_required = guard.token_required

# Controllers attach their routes to the app above.
from controller import health

if settings.server.role in ("all", "ingest"):
    from controller import ingest
if settings.server.role in ("all", "query"):
    from controller import logs
