"""What all protocols of others have in common: keys, refusals, pages, and any garbage."""

import gzip
import hmac
import json
import random
import socket
import subprocess
import sys
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from cramjam import snappy
from recorded.logan import IV, KEY, PEM, file_of, page, secret_log
from recorded.sample import Sample, recorded, samples_of
from started import ROOT, Server, wait_until

from service.adapters import ADAPTERS
from utils.body import inflate_guessing

pytestmark = pytest.mark.server

PAGE = "https://page.example"
SAMPLES = [sample for name in recorded() for sample in samples_of(name)]
REPORTED = sorted({sample.path.partition("?")[0]: sample for sample in SAMPLES}.items())
each_sample = pytest.mark.parametrize(
    "sample", [sample for _, sample in REPORTED], ids=[path for path, _ in REPORTED]
)


def send(server: Server, sample: Sample, below: str = "", **options: Any) -> requests.Response:
    """Send a sample as its client does, over a connection of its own."""
    headers = {"Content-Type": None, **sample.headers, **options.pop("headers", {})}
    body = options.pop("data", sample.body)
    url = server.url + below + sample.path
    return requests.request(sample.method, url, data=body, headers=headers, timeout=60, **options)


def reading_logan(server: Server) -> Server:
    """A server whose app has the keys of the samples: without them it can't read these."""
    app = str(server.app["id"])
    server.run("app", "set", app, f"logan_key={KEY}", f"logan_iv={IV}", f"logan_private_key={PEM}")
    return server


@pytest.fixture(scope="module", autouse=True)
def _keys_of_logan(server: Server) -> None:
    reading_logan(server)


def key_header(server: Server) -> dict[str, str]:
    return {"X-Redlog-Key": server.key}


def message_in(server: Server, message: str) -> dict[str, Any]:
    """The record with a message, as soon as it is there."""
    found = wait_until(lambda: [r for r in server.query() if r["message"] == message], message)
    assert len(found) == 1
    return dict(found[0])


def gelf(message: str) -> Sample:
    return Sample("/gelf", json.dumps({"short_message": message}).encode())


# The table.


def test_every_adapter_has_a_sample() -> None:
    assert {adapter.module for adapter in ADAPTERS if not adapter.public} == set(recorded())


def test_no_path_stands_in_the_table_twice() -> None:
    routes = [(path, method) for a in ADAPTERS for path in a.paths for method in a.methods]
    assert len(routes) == len(set(routes))


def test_no_module_is_loaded_before_its_first_request(tmp_path: Path) -> None:
    """Nor is what only they need."""
    code = """
import sys
from __init__ import app
from service.adapters import ADAPTERS
from utils.body import inflate_guessing
loaded = {f"service.adapter.{adapter.module}" for adapter in ADAPTERS} & set(sys.modules)
heavy = {"google.protobuf", "opentelemetry", "cramjam", "cryptography"} & set(sys.modules)
print(sorted(loaded | heavy))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"REDLOG_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_node_that_only_answers_queries_speaks_none(tmp_path: Path) -> None:
    code = """
import sys
from __init__ import app
print("service.adapters" in sys.modules, [r.rule for r in app.url_map.iter_rules("adapter /gelf")])
"""
    done = subprocess.run(
        [sys.executable, "-c", code.replace('("adapter /gelf")', "() if 'gelf' in r.rule")],
        cwd=ROOT,
        env={"REDLOG_DATA_DIR": str(tmp_path), "REDLOG_SERVER__ROLE": "query"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "False []\n", done.stderr


# Keys.


@each_sample
def test_with_a_good_key_every_sample_is_taken(server: Server, sample: Sample) -> None:
    assert send(server, sample, headers=key_header(server)).status_code < 300
    assert send(server, sample, f"/k/{server.key}").status_code < 300


@each_sample
def test_without_a_key_nothing_is_read(server: Server, sample: Sample) -> None:
    for answer in (
        send(server, sample),
        send(server, sample, "/k/rlk_wrong"),
        send(server, sample, "/k/-"),
        send(server, sample, headers={"X-Redlog-Key": "rlk_wrong"}),
        send(server, sample, f"/k/{server.key}", headers={"X-Redlog-Key": "rlk_wrong"}),
    ):
        assert answer.status_code in (401, 403)
        assert "application/problem+json" not in answer.headers.get("Content-Type", "")


def places_of(key: str) -> dict[str, dict[str, Any]]:
    basic = {name: b64encode(pair.encode()).decode() for name, pair in _pairs(key).items()}
    return {
        "the path": {"below": f"/k/{key}"},
        "X-Redlog-Key": {"headers": {"X-Redlog-Key": key}},
        "Bearer": {"headers": {"Authorization": f"Bearer {key}"}},
        "another scheme": {"headers": {"Authorization": f"Splunk {key}"}},
        "the query": {"params": {"key": key}},
        "password": {"headers": {"Authorization": f"Basic {basic['password']}"}},
        "user": {"headers": {"Authorization": f"Basic {basic['user']}"}},
        "the path, and a password of the server before us": {
            "below": f"/k/{key}",
            "headers": {"Authorization": f"Basic {basic['foreign']}"},
        },
        "two places": {"below": f"/k/{key}", "params": {"key": key}},
    }


def _pairs(key: str) -> dict[str, str]:
    return {"password": f"me:{key}", "user": f"{key}:", "foreign": "grafana:glc_abc"}


@pytest.mark.parametrize("place", places_of(""))
def test_the_key_is_taken_from_where_a_client_can_put_it(server: Server, place: str) -> None:
    message = uuid4().hex
    answer = send(server, gelf(message), **places_of(server.key)[place])
    assert answer.status_code == 202
    assert message_in(server, message)["app"] == server.app["id"]


def test_a_key_in_a_path_stands_in_no_log(make_server: Any) -> None:
    server = make_server(REDLOG_SERVER__LOG_LEVEL="debug")
    command = [sys.executable, str(ROOT / "manage.py"), "gunicorn-server", "--accesslog", "-"]
    server.start_as(command)
    welcome = len(server.log_text())
    for path in ("/gelf", "/nothing", "/v1/logs"):
        requests.post(f"{server.url}/k/{server.key}{path}", data=b"{", timeout=60)
    assert requests.get(f"{server.url}/k/{server.key}/x", timeout=60).status_code == 404
    wait_until(lambda: "/k/-/nothing" in server.log_text(), "the access log")
    assert server.stop() == 0
    assert server.key not in server.log_text()[welcome:]


def test_only_adapters_are_found_below_a_key(server: Server) -> None:
    for path in ("/api/v1/logs", "/healthz", "/dashboard/index.html", "/k/x/gelf"):
        answer = requests.get(f"{server.url}/k/{server.key}{path}", timeout=60)
        assert answer.status_code == 404, path


# Refusals.


@each_sample
def test_a_body_over_the_cap_is_refused_also_in_chunks(server: Server, sample: Sample) -> None:
    """The server's silent cut at a limit would lose what is behind it."""
    body = sample.body + b" " * (10 * 2**20)
    plain = {name: v for name, v in sample.headers.items() if name != "Content-Encoding"}
    whole = sample._replace(body=body, headers=plain)
    pieces = (body[at : at + 100_000] for at in range(0, len(body), 100_000))
    for options in ({}, {"data": pieces}, {"data": gzip.compress(body)}):
        assert send(server, whole, headers=key_header(server), **options).status_code == 413


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose app takes one request a minute."""
    folder = tmp_path_factory.mktemp("strict")
    limits = {"REDLOG_LIMITS__REQUESTS_PER_MINUTE": "1"}
    shared = reading_logan(Server(folder / "data", folder / "server.log", limits).start())
    shared.report([{"message": "the first"}])
    yield shared
    shared.kill()


@each_sample
def test_a_limit_is_told_with_how_long_to_wait(strict: Server, sample: Sample) -> None:
    answer = send(strict, sample, headers=key_header(strict))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose disk counts as full."""
    folder = tmp_path_factory.mktemp("full")
    settings = {"REDLOG_JOURNAL__MIN_FREE_BYTES": str(2**60)}
    shared = reading_logan(Server(folder / "data", folder / "server.log", settings).start())
    yield shared
    shared.kill()


@each_sample
def test_a_full_journal_is_told_with_how_long_to_wait(full: Server, sample: Sample) -> None:
    answer = send(full, sample, headers=key_header(full))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def key_of_app(server: Server, **settings: Any) -> str:
    """The ingest key of a new app with these settings."""
    token = server.manage("token", "create", "--scope", "admin", "--json")["token"]
    made = requests.post(
        f"{server.url}/api/v1/apps",
        json={"name": uuid4().hex, **settings},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    return str(made.json()["ingest_key"])


def test_an_app_that_demands_signatures_takes_none_without(server: Server) -> None:
    key = key_of_app(server, require_signature=True)
    answer = send(server, gelf("m"), f"/k/{key}")
    assert (answer.status_code, "X-Redlog-Signature" in answer.text) == (401, True)


def test_vercels_own_signature_is_as_good(server: Server) -> None:
    token = server.manage("token", "create", "--scope", "admin", "--json")["token"]
    told = {"headers": {"Authorization": f"Bearer {token}"}, "timeout": 60}
    apps = f"{server.url}/api/v1/apps"
    wanted = {"name": uuid4().hex, "require_signature": True}
    made = requests.post(apps, json=wanted, **told).json()
    body = json.dumps([{"message": uuid4().hex, "timestamp": 1795168800123}]).encode()
    right = hmac.new(made["secret"].encode(), body, "sha1").hexdigest()
    for signature, status in ((right, 200), (right[:-1] + "x", 401), ("支", 401), (None, 401)):
        answer = requests.post(
            f"{server.url}/k/{made['ingest_key']}/drain/vercel?verify=abc",
            data=body,
            headers={"X-Vercel-Signature": signature and signature.encode()},
            timeout=60,
        )
        assert (answer.status_code, answer.headers["x-vercel-verify"]) == (status, "abc")


def test_logans_keys_are_read_by_and_never_shown_again(server: Server) -> None:
    token = server.manage("token", "create", "--scope", "admin", "--json")["token"]
    told = {"headers": {"Authorization": f"Bearer {token}"}, "timeout": 60}
    apps, names = f"{server.url}/api/v1/apps", ("logan_key", "logan_iv", "logan_private_key")
    made = requests.post(apps, json={"name": uuid4().hex, "logan_key": KEY}, **told).json()
    assert [made[name] for name in names] == [True, False, False]
    one, two, path = uuid4().hex, uuid4().hex, f"{apps}/{made['id']}"
    below = f"/k/{made['ingest_key']}"
    body = page(secret_log(two))
    for sent in (file_of([one]), body):
        answer = send(server, Sample("/logan/upload.json", sent), below)
        assert answer.status_code == answer.json()["code"] != 200
    for bad in ({names[0]: "short"}, {names[1]: f"{IV}\n"}, {names[2]: "secret stuff"}):
        answer = requests.patch(path, json=bad, **told)
        assert (answer.status_code, answer.json()["field"]) == (400, *bad)
        assert not any(value in answer.text for value in bad.values())
    changed = requests.patch(path, json={names[1]: IV, names[2]: PEM}, **told)
    assert [changed.json()[name] for name in names] == [True, True, True]
    for sent in (file_of([one]), body):
        answer = send(server, Sample("/logan/upload.json", sent), below)
        assert (answer.status_code, answer.json()["code"]) == (200, 200)
    assert message_in(server, one)["app"] == message_in(server, two)["app"] == made["id"]
    acts = requests.get(f"{server.url}/api/v1/audit", **told).text
    assert '"logan_private_key":true' in acts
    listed = requests.get(apps, **told).text + server.log_text()
    assert not [secret for secret in (KEY, IV, PEM[60:100]) if secret in acts + listed]
    unset = requests.patch(path, json={names[0]: ""}, **told).json()
    assert [unset[name] for name in names] == [False, True, True]


def test_an_app_that_names_its_origins_takes_from_no_others(server: Server) -> None:
    key = key_of_app(server, allowed_origins=[PAGE])
    assert send(server, gelf("m"), f"/k/{key}", headers={"Origin": PAGE}).status_code == 202
    answer = send(server, gelf("m"), f"/k/{key}", headers={"Origin": "https://evil.example"})
    assert (answer.status_code, answer.text.split(":")[0]) == (403, "untrusted_source")


# Pages.


@each_sample
def test_pages_of_others_may_report_and_read_the_reply(server: Server, sample: Sample) -> None:
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": sample.method,
        "Access-Control-Request-Headers": "content-type,idempotency-key,sentry-trace,x-sentry-auth",
    }
    for below in ("", f"/k/{server.key}", "/k/rlk_wrong"):
        path = server.url + below + sample.path
        allowed = requests.options(path, headers=asked, timeout=60)
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == PAGE
        assert sample.method in allowed.headers["Access-Control-Allow-Methods"]
        for name in asked["Access-Control-Request-Headers"].split(","):
            assert name in allowed.headers["Access-Control-Allow-Headers"].lower()
    answer = send(server, sample, headers={"Origin": PAGE})
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    told = answer.headers["Access-Control-Expose-Headers"].lower()
    assert {"retry-after", "x-sentry-rate-limits", "x-sentry-error"} <= set(told.split(", "))


@each_sample
def test_a_slash_too_many_is_no_redirect(server: Server, sample: Sample) -> None:
    path = sample.path.rstrip("/")
    for each in (path, f"{path}/"):
        answer = send(server, sample._replace(path=each), headers=key_header(server))
        assert answer.status_code < 300


# What is said of bodies, and is not so.


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip,deflate", zlib.compress),
        ("gzip", gzip.compress),
        ("gzip", zlib.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("gzip", bytes),
        ("deflate", bytes),
        ("utf-8", bytes),
        (None, gzip.compress),
    ],
)
def test_what_the_bytes_show_counts_more_than_what_is_said(
    server: Server, encoding: str | None, pack: Any
) -> None:
    message = uuid4().hex
    sample = gelf(message)
    packed = Sample("/gelf", pack(sample.body), {"Content-Encoding": encoding} if encoding else {})
    answer = send(
        server,
        packed,
        headers={"Content-Type": "application/x-www-form-urlencoded"} | key_header(server),
    )
    assert answer.status_code == 202
    message_in(server, message)


def test_who_does_not_wait_for_the_reply_is_stored_all_the_same(server: Server) -> None:
    message = uuid4().hex
    body = gelf(message).body
    head = f"POST /k/{server.key}/gelf HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    logged = len(server.log_text())
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + body)
    message_in(server, message)
    assert "Traceback" not in server.log_text()[logged:]


# Garbage.


def damaged(sample: Sample, random_: random.Random) -> bytes:
    """Its body with a few bytes changed, taken out, doubled or put in, or cut short."""
    packed, repack = sample.headers.get("Content-Encoding", ""), bytes
    body = bytearray(sample.body)
    if packed and random_.random() < 0.8:
        body = bytearray(inflate_guessing(sample.body, packed, 2**20))
        if packed == "snappy":  # what says nothing of what it is
            body, repack = bytearray(snappy.decompress_raw(body)), snappy.compress_raw
    for _ in range(random_.randint(1, 4)):
        at, size = random_.randrange(len(body) + 1), random_.choice((1, 1, 2, 4, 16, 64))
        kind = random_.randrange(5)
        if kind == 0:
            body[at : at + size] = random_.randbytes(size)
        elif kind == 1:
            del body[at : at + size]
        elif kind == 2:
            body[at:at] = body[at : at + size]
        elif kind == 3:
            body[at:at] = random_.choice(NASTY)
        else:
            del body[random_.randrange(len(body) + 1) :]
    return bytes(repack(body))


NASTY = (b"\0", b"[[[[", b"{", b"}", b"null", b'""', b"\xff", b"\\ud800", b"1e999", b"-1", b"[]")
NASTY += (b"9" * 400, b"[" * 3000, b"NaN", b"\n", b"\\u0000", b"true", b"\xf0\x90", b'{"":', b"{}")


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_whatever_comes_is_no_failure_of_ours(server: Server, number: int) -> None:
    sample, random_ = SAMPLES[number], random.Random(number)
    logged, workers = len(server.log_text()), server.workers()
    with requests.Session() as session:
        for _ in range(60):
            body = damaged(sample, random_)
            headers = {"Content-Type": None, **sample.headers, **key_header(server)}
            url = server.url + sample.path
            answer = session.request(sample.method, url, data=body, headers=headers, timeout=60)
            assert answer.status_code < 500, (answer.text, body)
    assert "Traceback" not in server.log_text()[logged:]
    assert server.workers() == workers


def test_garbage_is_not_put_aside_by_the_writer(server: Server) -> None:
    server.wait_drained()
    assert list(server.data.glob("quarantine/*")) == []


def test_the_wishes_of_an_app_hold_here_too(server: Server) -> None:
    key = key_of_app(server, min_level="error", scrubbing={"builtin": ["passwords"]})
    session = uuid4().hex
    lines = [
        {"short_message": "low", "level": 6},
        {"short_message": f"{session} password=hunter2", "level": 3},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    assert send(server, Sample("/gelf", body), f"/k/{key}").status_code == 202
    server.wait_drained()
    found = [r["message"] for r in server.query() if session in r["message"]]
    assert found == [f"{session} password=[secret]"]


# Who asks at the root.


@pytest.mark.parametrize(
    ("accepted", "media"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("application/json", "application/json"),
        (None, "application/json"),
    ],
)
def test_the_root_is_a_page_for_people_and_says_who_we_are_to_clients(
    server: Server, accepted: str | None, media: str
) -> None:
    for method in ("GET", "HEAD"):
        told = {"Accept": accepted}
        answer = requests.request(method, server.url, headers=told, timeout=60)  # type: ignore[arg-type]
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, media)
        assert ("X-Elastic-Product" in answer.headers) == ("json" in media)
