"""Settings: `setting.yaml`, a profile and the environment become one frozen, typed object.

The names stand in `setting.yaml` with their defaults; here stand their types and bounds. Whatever
is unknown or out of bounds stops the start with its full name (`StartError`).
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from exceptions import StartError
from utils.account_settings import AccountSettings as AccountSettings
from utils.account_settings import Oidc as Oidc

Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class _Loader(yaml.SafeLoader):
    """YAML 1.2, in which `off` is a word and no boolean: settings have such values."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, words) for tag, words in resolvers if first in "tTfF" or not tag.endswith("bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group of settings; a key that it does not list is refused."""


class Server(Section, frozen=True):
    """Where and how the HTTP server listens."""

    host: str
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    workers: Positive
    threads: Positive
    worker_class: Literal["gthread", "meinheld"]
    role: Literal["all", "ingest", "query"]
    grace_seconds: Count
    client_seconds: Positive
    trusted_proxies: list[str]
    log_level: Literal["debug", "info", "warning", "error"]


class Database(Section, frozen=True):
    """The store; an empty URL is SQLite in the data directory."""

    url: str


class Redis(Section, frozen=True):
    """The optional Redis; an empty URL is none."""

    url: str
    newest: Annotated[int, msgspec.Meta(ge=0, le=1000)]


class JournalSettings(Section, frozen=True):
    """The journal's durability, its segments and the bounds of its disk."""

    sync: Literal["always", "interval", "off"]
    sync_ms: Positive
    segment_bytes: Annotated[int, msgspec.Meta(ge=4096)]
    max_bytes: Positive
    min_free_bytes: Count
    soft_bytes: Count
    shed_below: Literal["", "off", "debug", "info", "warning", "error", "fatal"]


class WriterSettings(Section, frozen=True):
    """How the journal is drained into the store."""

    enabled: bool
    poll_ms: Positive
    batch_bytes: Positive
    process_bytes: Positive
    poison_tries: Positive
    stop_seconds: Count


class Ingest(Section, frozen=True):
    """The caps of one report."""

    max_body_bytes: Positive
    max_records: Positive


class Limits(Section, frozen=True):
    """What may be reported in a minute, unless the app has limits of its own; 0 is no limit."""

    requests_per_minute: Count
    records_per_minute: Count
    key_requests_per_minute: Count
    address_requests_per_minute: Count
    device_records_per_minute: Count


class QuerySettings(Section, frozen=True):
    """How long a query may take, and how many live tails each worker has."""

    timeout_ms: Annotated[int, msgspec.Meta(ge=1, le=50_000)]
    streams: Annotated[int, msgspec.Meta(ge=0, le=1000)]


class Retention(Section, frozen=True):
    """When a day's partition is dropped: after `days`, or the oldest first above `max_bytes`.

    Beside it `attachment_bytes` of files that came with records are kept.
    """

    days: Annotated[int, msgspec.Meta(ge=0, le=36_500)]
    max_bytes: Count
    attachment_bytes: Count


class Cors(Section, frozen=True):
    """Which web origins may report and which may query."""

    ingest_origins: list[str]
    dashboard_origins: list[str]


class Token(Section, frozen=True):
    """How long tokens are good: of machines, of people, and the session without a refresh."""

    days: Annotated[int, msgspec.Meta(ge=1, le=3650)]
    access_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    refresh_days: Annotated[int, msgspec.Meta(ge=1, le=3650)]


class Settings(Section, frozen=True):
    """All settings. `data_dir` is absolute."""

    data_dir: str
    server: Server
    database: Database
    redis: Redis
    journal: JournalSettings
    writer: WriterSettings
    ingest: Ingest
    limits: Limits
    query: QuerySettings
    retention: Retention
    cors: Cors
    token: Token
    account: AccountSettings
    oidc: Oidc

    @property
    def data_path(self) -> Path:
        """The data directory."""
        return Path(self.data_dir)


def load_settings(file: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `file`, apply the profile and the environment, check everything.

    Raises StartError with one line that names the key.
    """
    profiles = _read_profiles(file)
    name = environ.get("REDLOG_PROFILE", "default")
    if name not in profiles:
        known = ", ".join(profiles)
        raise StartError(f"profile {name!r} is not in {file.name} (it has: {known})")
    values = _merged(profiles["default"], profiles[name])
    values = _merged(values, _overrides(environ))
    if isinstance(values.get("data_dir"), str):
        values["data_dir"] = str((file.parent / values["data_dir"]).resolve())
    return _typed(values)


def _read_profiles(file: Path) -> dict[str, dict[str, Any]]:
    try:
        profiles = yaml.load(file.read_text("utf-8"), _Loader)  # a SafeLoader  # nosec B506
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise StartError(f"{file.name} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(profiles, dict) or "default" not in profiles:
        raise StartError(f"{file.name} has no profile `default`")
    for name, profile in profiles.items():
        if not isinstance(profile, dict | None):
            raise StartError(f"profile {name!r} of {file.name} has no sections")
    return {name: profile or {} for name, profile in profiles.items()}


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _overrides(environ: Mapping[str, str]) -> dict[str, Any]:
    """REDLOG_SECTION__KEY=value as {"section": {"key": value}}."""
    found: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith("REDLOG_") or "__" not in name:
            continue
        section, key = name.removeprefix("REDLOG_").lower().split("__", 1)
        if key.endswith("_file"):
            key, value = key.removesuffix("_file"), _secret_in(name, value)
        found.setdefault(section, {})[key] = _listed(section, key, value)
    if environ.get("REDLOG_DATA_DIR"):
        found.setdefault("data_dir", environ["REDLOG_DATA_DIR"])
    return found


def _listed(section: str, key: str, value: str) -> str | list[str]:
    """A list is written with commas in the environment."""
    if section == "cors" or key == "trusted_proxies":
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _secret_in(name: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise StartError(f"{name}: {path} can't be read ({error.strerror})") from error


def _typed(values: dict[str, Any]) -> Settings:
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise StartError(f"setting {_named(str(error))}") from None


def _named(message: str) -> str:
    """msgspec's "Expected … - at `$.server.port`" as "server.port: Expected …"."""
    what, _, path = message.partition(" - at `")
    section = path.rstrip("`").removeprefix("$").removeprefix(".")
    field = re.search(r"(?:unknown|required) field `(.+?)`", what)
    if field is None:
        return f"{section}: {what}"
    verdict = "is unknown" if "unknown field" in what else "is missing"
    return f"{section + '.' if section else ''}{field[1]} {verdict}"
