"""What the operator reads when the server listens."""

from database.apps import App
from utils.settings import Settings


def welcome(settings: Settings, app: App, token: str | None) -> str:
    """Address, key and lines to try them. A token is shown once, at the first start."""
    host = settings.server.host
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
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
    return "\n".join(lines)
