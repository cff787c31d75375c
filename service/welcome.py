"""What the operator reads when the server listens."""

from database.api_tokens import ApiTokens
from database.apps import App, Apps
from database.engine import migrate
from database.log_store import LogStore
from database.mysql_check import check
from database.redis_link import RedisAway
from exceptions import DatabaseDown, StartError
from service.accounts import FIRST, create_first
from service.audit import OPERATOR, Audit
from service.login import Login
from utils.log import log
from utils.settings import Settings

FIRST_APP = "default"


def make_ready(
    settings: Settings,
    log_store: LogStore,
    apps: Apps,
    api_tokens: ApiTokens,
    login: Login,
    audit_log: Audit,
) -> str:
    """Check Redis and the database, bring it up to date, make what a first start needs, and greet.

    A database that is down stops only a first start, and a Redis that is down none. Raises
    StartError. Leaves no connection open.
    """
    try:
        _check_redis(settings.redis.url)
        check(apps.engine)
        migrate(apps.engine)
        log_store.upgrade()
        return _greet(settings, apps, api_tokens, login, audit_log)
    except DatabaseDown as error:
        if not apps.directory.file.read().keys:
            raise StartError(f"{error}; a first start needs it, for the keys") from None
        return _greet_without_database(settings, error)
    finally:
        apps.engine.dispose()


def _check_redis(url: str) -> None:
    if not url:
        return
    from database.redis_check import check_redis  # only then: it takes memory

    try:
        check_redis(url)
    except RedisAway as away:
        log.warning("%s; starting without it", away)


def _greet(
    settings: Settings, apps: Apps, api_tokens: ApiTokens, login: Login, audit_log: Audit
) -> str:
    existing = apps.all()
    app = existing[0] if existing else apps.create(FIRST_APP)
    apps.directory.read()
    token = None
    if not existing:
        token, made = api_tokens.create("first start", "read", None, settings.token.days, None)
        audit_log.record(OPERATOR, "app.create", f"app {app.id}", {"name": app.name})
        about = {"name": made.name, "scope": made.scope, "apps": made.apps}
        audit_log.record(OPERATOR, "token.create", f"token {made.id}", about)
    password = create_first(login)
    if password:
        audit_log.record(OPERATOR, "account.create", f"account {FIRST}", {"role": "admin"})
    return welcome(settings, app, token, password)


def _greet_without_database(settings: Settings, error: DatabaseDown) -> str:
    host, port = settings.server.host, settings.server.port
    return (
        f"RedLog listens on http://{host}:{port}  (data: {settings.data_dir})\n"
        f"{error}.\n"
        "Reports with known keys are accepted and wait in the journal; queries answer 503."
    )


def welcome(settings: Settings, app: App, token: str | None, password: str | None) -> str:
    """Address, key and lines to try them. A token and the first admin's password are shown once,
    at the first start.
    """
    host = settings.server.host
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # shown, never bound  # nosec B104
    logs = f"http://{host}:{settings.server.port}/api/v1/logs"
    lines = [
        f"RedLog listens on http://{host}:{settings.server.port}  (data: {settings.data_dir})",
        f"App {app.name!r}, ingest key {app.ingest_key}",
        "",
        "Report a record / 上报一条日志:",
        f"  curl {logs} -H 'X-Redlog-Key: {app.ingest_key}' "
        """-d '{"message": "hello, RedLog", "level": "info"}'""",
    ]
    if token:
        lines += [
            "Read it back (this token is shown only now) / 查询 (此令牌只显示一次):",
            f"  curl {logs} -H 'Authorization: Bearer {token}'",
        ]
    else:
        lines += [
            "A token to read with / 获取查询令牌:",
            "  .venv/bin/python manage.py token create",
        ]
    if password:
        lines += [
            "Look at it in a browser (this password is shown only now, and must be changed) / "
            "在浏览器中查看 (此密码只显示一次, 登录后必须修改):",
            f"  {logs.removesuffix('/api/v1/logs')}/  account {FIRST}, password {password}",
        ]
    return "\n".join(lines)
