"""Settings: the file, the profile, the environment, and what stops the start."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from started import ROOT

from exceptions import StartError
from utils.settings import Settings, load_settings

FILE = ROOT / "setting.yaml"
DEFAULTS: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))["default"]
KEYS = [
    (section, key) for section, keys in DEFAULTS.items() if section != "data_dir" for key in keys
]


def load(**environ: str) -> Settings:
    return load_settings(FILE, environ)


def refusal(environ: dict[str, str], file: Path = FILE) -> str:
    """The one line that says why these settings stop the start."""
    with pytest.raises(StartError) as caught:
        load_settings(file, environ)
    message = str(caught.value)
    assert "\n" not in message and message
    return message


def written(folder: Path, **profiles: Any) -> Path:
    """A setting.yaml that says something else."""
    file = folder / "setting.yaml"
    file.write_text(yaml.safe_dump({"default": DEFAULTS, **profiles}), "utf-8")
    return file


# What is read.


def test_without_an_environment_the_defaults_hold() -> None:
    loaded = msgspec.to_builtins(load())
    assert loaded == {**DEFAULTS, "data_dir": str(ROOT / "data")}


def test_what_is_relied_on_from_outside() -> None:
    settings = load()
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 5000)
    assert (settings.server.worker_class, settings.server.role) == ("gthread", "all")
    assert (settings.database.url, settings.redis.url) == ("", "")
    assert settings.journal.sync == "interval"


@pytest.mark.parametrize("profile", ["default", "dev", "prod"])
def test_a_profile_changes_what_it_names_and_nothing_else(profile: str) -> None:
    named = yaml.safe_load(FILE.read_text("utf-8"))[profile] if profile != "default" else {}
    loaded = msgspec.to_builtins(load(REDLOG_PROFILE=profile))
    for section, key in KEYS:
        expected = named.get(section, {}).get(key, DEFAULTS[section][key])
        assert loaded[section][key] == expected, f"{section}.{key}"


def test_the_environment_goes_before_the_profile() -> None:
    assert load(REDLOG_PROFILE="prod").server.host == "0.0.0.0"
    assert load(REDLOG_PROFILE="prod", REDLOG_SERVER__HOST="::1").server.host == "::1"


OTHER = {"server.worker_class": "meinheld", "server.role": "query", "journal.sync": "always"}
OTHER |= {"server.log_level": "error", "server.host": "::", "database.url": "sqlite:///x.db"}
OTHER |= {"redis.url": "redis://host", "journal.shed_below": "error"}
OTHER |= {"account.registration": "viewer", "oidc.role": "member"}
OTHER |= {"oidc.issuer": "https://id.example.org", "oidc.scopes": "openid"}
OTHER |= {
    f"oidc.{key}": "other" for key in ("client_id", "client_secret", "name_claim", "apps_claim")
}


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_can_be_overridden_by_the_environment(section: str, key: str) -> None:
    default = DEFAULTS[section][key]
    value: Any = OTHER.get(f"{section}.{key}")
    if value is None:
        value = ["https://a.b"] if isinstance(default, list) else default + 1
    if isinstance(default, bool):
        value = not default
    text = ",".join(value) if isinstance(value, list) else str(value)
    loaded = msgspec.to_builtins(load(**{f"REDLOG_{section}__{key}".upper(): text}))
    assert loaded[section][key] == value != default
    loaded[section][key] = default
    assert loaded == msgspec.to_builtins(load())


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://a.b", ["https://a.b"]),
        (" https://a.b , http://c:81,", ["https://a.b", "http://c:81"]),
        ("", []),
    ],
)
def test_a_list_is_written_with_commas(text: str, origins: list[str]) -> None:
    assert load(REDLOG_CORS__INGEST_ORIGINS=text).cors.ingest_origins == origins


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("0", False)])
def test_a_yes_or_no(text: str, value: bool) -> None:
    assert load(REDLOG_WRITER__ENABLED=text).writer.enabled is value


def test_a_secret_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("sqlite:////somewhere.db\n")
    assert load(REDLOG_DATABASE__URL_FILE=str(secret)).database.url == "sqlite:////somewhere.db"


def test_the_data_directory_is_absolute_and_starts_beside_the_file(tmp_path: Path) -> None:
    assert load().data_path == ROOT / "data"
    assert load(REDLOG_DATA_DIR="../x").data_path == ROOT.parent / "x"
    assert load(REDLOG_DATA_DIR=str(tmp_path)).data_path == tmp_path
    assert load(REDLOG_DATA_DIR="").data_path == ROOT / "data"


def test_other_variables_are_not_ours() -> None:
    other = {"REDLOG_STOP_WAIT": "1", "PATH": "/", "SERVER__PORT": "1", "redlog_server__port": "1"}
    assert load_settings(FILE, other) == load()


def test_settings_are_frozen() -> None:
    settings = load()
    for section, key in [(settings, "data_dir"), (settings.server, "port")]:
        with pytest.raises(AttributeError, match="immutable"):
            setattr(section, key, getattr(section, key))


# What stops the start.


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("SERVER__PORT", "http", "server.port"),
        ("SERVER__PORT", "", "server.port"),
        ("SERVER__PORT", "65536", "server.port"),
        ("SERVER__PORT", "-1", "server.port"),
        ("SERVER__WORKERS", "0", "server.workers"),
        ("SERVER__WORKERS", "2.5", "server.workers"),
        ("SERVER__WORKER_CLASS", "gevent", "server.worker_class"),
        ("SERVER__ROLE", "All", "server.role"),
        ("SERVER__LOG_LEVEL", "loud", "server.log_level"),
        ("JOURNAL__SYNC", "sometimes", "journal.sync"),
        ("JOURNAL__SEGMENT_BYTES", "4095", "journal.segment_bytes"),
        ("WRITER__ENABLED", "perhaps", "writer.enabled"),
        ("RETENTION__DAYS", "-1", "retention.days"),
        ("RETENTION__DAYS", "1000000", "retention.days"),
        ("REDIS__NEWEST", "1001", "redis.newest"),
        ("LIMITS__RECORDS_PER_MINUTE", "-1", "limits.records_per_minute"),
    ],
)
def test_a_bad_value_is_refused_by_its_full_name(name: str, value: str, key: str) -> None:
    message = refusal({f"REDLOG_{name}": value})
    assert re.match(rf"setting {re.escape(key)}: ", message)
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("REDLOG_SERVER__PROT", "server.prot"),
        ("REDLOG_SERVER__A__B", "server.a__b"),
        ("REDLOG_NOWHERE__PORT", "nowhere"),
    ],
)
def test_an_unknown_key_is_refused_by_its_full_name(name: str, key: str) -> None:
    assert refusal({name: "1"}) == f"setting {key} is unknown"


@pytest.mark.parametrize(
    ("profile", "key"),
    [
        ({"server": {"prot": 1}}, "setting server.prot is unknown"),
        ({"sever": {"port": 1}}, "setting sever is unknown"),
        ({"server": 5}, "setting server: "),
        ({"server": {"port": "http"}}, "setting server.port: "),
        ({"server": {"port": None}}, "setting server.port: "),
        ({"cors": {"ingest_origins": [1]}}, "setting cors.ingest_origins"),
        ({"data_dir": {"x": 1}}, "setting data_dir: "),
        ([1], "profile 'other' "),
        ("server", "profile 'other' "),
    ],
)
def test_a_bad_profile_is_refused(tmp_path: Path, profile: Any, key: str) -> None:
    file = written(tmp_path, other=profile)
    assert refusal({"REDLOG_PROFILE": "other"}, file).startswith(key)


def test_an_empty_profile_is_the_default(tmp_path: Path) -> None:
    file = written(tmp_path, other=None)
    assert load_settings(file, {"REDLOG_PROFILE": "other"}) == load_settings(file, {})


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_a_key_that_the_file_lacks_is_named(tmp_path: Path, section: str, key: str) -> None:
    keys = {name: value for name, value in DEFAULTS[section].items() if name != key}
    file = written(tmp_path, default={**DEFAULTS, section: keys})
    assert refusal({}, file) == f"setting {section}.{key} is missing"


def test_a_data_dir_that_is_a_section_is_refused() -> None:
    assert "data_dir" in refusal({"REDLOG_DATA_DIR__X": "1"})


def test_an_unknown_profile_is_answered_with_the_known_ones() -> None:
    message = refusal({"REDLOG_PROFILE": "production"})
    assert "'production'" in message and "default, dev, prod" in message


def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "nothing")
    message = refusal({"REDLOG_DATABASE__URL_FILE": path})
    assert message.startswith("REDLOG_DATABASE__URL_FILE: ") and path in message


@pytest.mark.parametrize(
    "content", [b"", b"5", b"dev: {}", b"default: [", b"\xff", b"default:\n\tx: 1", b"default: 1"]
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "setting.yaml"
    file.write_bytes(content)
    assert "setting.yaml" in refusal({}, file) or "default" in refusal({}, file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "setting.yaml" in refusal({}, tmp_path / "setting.yaml")


@pytest.mark.parametrize(("key", "word"), [("sync", "off"), ("shed_below", "off")])
def test_off_is_a_word_and_no_boolean(tmp_path: Path, key: str, word: str) -> None:
    text = re.sub(rf"^    {key}: \w+", f"    {key}: {word}", FILE.read_text("utf-8"), flags=re.M)
    (tmp_path / "setting.yaml").write_text(text, "utf-8")
    settings = load_settings(tmp_path / "setting.yaml", {})
    assert getattr(settings.journal, key) == word
    assert settings.writer.enabled is True
