"""The whole server on one page: read it from top to bottom."""

if __name__ != "__init__":
    raise ImportError("the root is no package: import it as `__init__`, from its own folder")

from pathlib import Path

from database.apps import Apps
from database.attachments import Attachments
from database.engine import open_engine
from database.journal import Journal
from database.newest import NewestFirst
from database.passes import Passes
from database.redis_bus import RedisBus
from database.redis_link import RedisLink
from database.stores import open_store
from database.waker import Waker
from database.writer import Writer
from service.audit import Audit
from service.limits import ReportLimits
from service.people import People
from service.signature import Signatures
from service.tail import LiveTail
from utils.background import Background
from utils.guard import Guard
from utils.hooks import tell_each
from utils.log import set_up_log
from utils.metrics import Metrics
from utils.settings import load_settings
from utils.tokens import Tokens
from utils.web import App, set_up_web

# Settings, and the few files that stand in the data directory from the first start on.
root = Path(__file__).resolve().parent
settings = load_settings(root / "setting.yaml")
data = settings.data_path
data.mkdir(mode=0o700, parents=True, exist_ok=True)
set_up_log(settings.server.log_level)
metrics, in_background, signed_tokens = Metrics(data), Background(), Tokens(data)

# Engines: made here, connected by the process that first uses them.
redis = RedisLink(settings.redis.url, signed_tokens.installation, settings.server.threads)
redis_bus = RedisBus(redis)
engine = open_engine(settings.database, data)
apps, audit_log = Apps(engine, data), Audit(engine)
passes = Passes(engine, redis_bus, settings.token, in_background)
people = People(engine, settings, signed_tokens, passes, apps.ids)
accounts, login, sessions = people.accounts, people.login, people.sessions
journal = Journal(settings.journal, data)
attachments = Attachments(data, settings.retention, settings.journal.min_free_bytes)
report_limits = ReportLimits(settings, data, redis, journal, apps.directory.known_ids)
signatures = Signatures(engine, redis)
log_store = open_store(engine, data, settings.query.timeout_ms / 1000)
newest, waker = NewestFirst(log_store, redis, settings.redis.newest), Waker(data, redis_bus)
live_tail = LiveTail(log_store, waker, settings.query.streams)
on_stored = tell_each(metrics.count_records, waker.hear_stored, newest.hear_erased)
writer = Writer(data, log_store, settings.writer, settings.retention, on_stored, root / "manage.py")

# The application, and what stands between it and the net: proxies, origins, headers, errors.
app = App("redlog", root_path=str(root), static_folder=None)
set_up_web(app, settings)

# The guards of the routes: who may report, who may look, who may change.
guard = Guard(apps.source_of_key, people.callers.identify, signed_tokens.is_csrf)
public, ingest_key_required, token_required, role_required, account_required = guard.decorators()

# Controllers attach their routes to the app above.
from controller import health, openapi, sdk

if settings.server.role in ("all", "query"):
    from controller import accounts as _accounts, apps as _apps, audit, dashboard  # isort: skip
    from controller import erasures, logs, oidc, own_account, registration, scrubbing  # isort: skip
    from controller import searches, server, session, tail, timeline, tokens  # isort: skip
if settings.server.role in ("all", "ingest"):
    from controller import adapters, ingest
