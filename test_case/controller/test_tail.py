"""Live tails over HTTP: what comes, to whom, how long."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from listener import PATH, Listener
from nginx import in_front_of
from people import CHEAP, person
from started import Server, wait_until

from service.query_language import MAX_LENGTH

pytestmark = pytest.mark.server
StartServer = Callable[..., Server]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shared = Server(folder / "data", folder / "server.log", CHEAP).start()
    wait_until(lambda: len(shared.workers()) == 2, "both workers")
    yield shared
    shared.kill()


def report(server: Server, *messages: str, key: str = "", **fields: Any) -> None:
    """Over a connection of its own, so that any worker may answer."""
    answer = requests.post(
        f"{server.url}/api/v1/logs",
        json=[{"message": message, **fields} for message in messages],
        headers={"X-Redlog-Key": key or server.key},
        timeout=60,
    )
    assert answer.status_code == 202


def ask(server: Server, token: str = "", **parameters: Any) -> requests.Response:
    """For a stream, of which only the head is read."""
    headers = {"Authorization": f"Bearer {token or server.token}"}
    answer = requests.get(
        f"{server.url}{PATH}", params=parameters, headers=headers, stream=True, timeout=60
    )
    if answer.status_code != 200:
        answer.content  # noqa: B018  # read
    answer.close()
    return answer


def test_what_is_stored_comes_as_the_list_shows_it_and_nothing_older(server: Server) -> None:
    report(server, "before")
    wait_until(lambda: server.query(q="before"), "the record")
    listeners = [Listener(server) for _ in range(6)]  # on both workers
    for n in range(8):
        report(server, f"m{n}", user_id="u", attributes={"deep": {"a": [1, None]}})
    for listener in listeners:
        listener.wait_for(*(f"m{n}" for n in range(8)))
        shown = {event.data["id"]: event.data for event in listener.events}
        assert shown == {record["id"]: record for record in server.query(user_id="u")}
        assert listener.retry > 0 and not listener.ended.is_set()
        listener.close()


def test_line_breaks_within_a_record_do_not_break_its_event(server: Server) -> None:
    attributes = '{\r\n\r\n"x":\n 1}'
    body = f'{{"message": "a\\r\\n\\nb\u2028", "attributes": {attributes}, "user_id": "l"}}'
    with Listener(server, user_id="l") as listener:
        assert server.report(body.encode()).status_code == 202
        listener.wait_for("a\r\n\nb\u2028")
        assert listener.events[0].data["attributes"] == {"x": 1}


def test_the_reply_is_not_kept_not_buffered_and_for_other_origins(server: Server) -> None:
    with Listener(server) as listener:
        headers = listener.answer.headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")
    for status, token in ((200, server.token), (401, "wrong")):
        answer = requests.get(
            f"{server.url}{PATH}",
            headers={"Origin": "https://dash.example", "Authorization": f"Bearer {token}"},
            stream=True,
            timeout=60,
        )
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        answer.close()
    assert ask(server, q="a").headers["Content-Type"].startswith("text/event-stream")
    head = requests.head(
        f"{server.url}{PATH}", headers={"Authorization": f"Bearer {server.token}"}, timeout=60
    )
    assert head.status_code == 200


FILTERS: list[tuple[dict[str, str], set[str]]] = [
    ({}, {"plain", "bad 支付", "lost", "web"}),
    ({"q": "支付"}, {"bad 支付"}),
    ({"q": "-支付 AND NOT attr.http.status:502"}, {"plain", "web"}),
    ({"q": "attr.http.status>=500"}, {"lost"}),
    ({"min_level": "error"}, {"bad 支付", "lost"}),
    ({"level": "info", "release": "2.1.0"}, {"web"}),
    ({"attr.http.status": "502"}, {"lost"}),
    ({"q": "release:2.*"}, {"web", "lost"}),
    ({"to": "2001-01-01T00:00:00Z"}, set()),
    ({"untrusted": "only"}, set()),
    ({"untrusted": "hide", "q": "plain"}, {"plain"}),
]


def test_the_filters_are_those_of_the_list(server: Server) -> None:
    own = {"device_id": "filters"}
    listeners = [Listener(server, **own, **wanted) for wanted, _ in FILTERS]
    report(server, "plain", **own)
    report(server, "bad 支付", level="error", **own)
    lost = {"level": "fatal", "release": "2.0", "attributes": {"http": {"status": 502}}}
    report(server, "lost", **lost, **own)
    report(server, "web", release="2.1.0", **own)
    listeners[0].wait_for("plain", "bad 支付", "lost", "web")
    time.sleep(0.3)
    for (wanted, expected), listener in zip(FILTERS, listeners, strict=True):
        assert set(listener.messages) == expected, wanted
        assert len(listener.messages) == len(expected)
        found = server.query(**own, **wanted)
        assert {record["message"] for record in found} == expected, wanted
        listener.close()


def test_each_sees_the_apps_that_they_may_see(server: Server) -> None:
    other = server.manage("app", "create", "other", "--json")
    mine = server.manage("token", "create", "--app", str(server.app["id"]), "--json")["token"]
    tokens = {"all": server.token, "mine": mine}
    listeners = {name: Listener(server, token=token, q="seen") for name, token in tokens.items()}
    listeners["other"] = Listener(server, q="seen", app=other["id"])
    report(server, "seen 1")
    report(server, "seen 2", key=other["ingest_key"])
    report(server, "seen 3")
    listeners["all"].wait_for("seen 1", "seen 2", "seen 3")
    listeners["mine"].wait_for("seen 1", "seen 3")
    listeners["other"].wait_for("seen 2")
    for listener in listeners.values():
        listener.close()
    assert ask(server, mine, app=other["id"]).status_code == 403
    assert ask(server, app=999).status_code == 404


def test_untrusted_records_are_marked_and_can_be_hidden(server: Server) -> None:
    app = server.manage("app", "create", "homely", "--json")
    settings = ['allowed_origins=["https://good.example"]', "untrusted=mark"]
    server.run("app", "set", str(app["id"]), *settings)
    kinds: tuple[dict[str, str], ...] = ({}, {"untrusted": "hide"}, {"untrusted": "only"})
    everything, trusted, doubtful = (Listener(server, app=app["id"], **kind) for kind in kinds)

    def from_page(origin: str) -> None:
        headers = {"X-Redlog-Key": app["ingest_key"], "Origin": origin}
        url = f"{server.url}/api/v1/logs"
        answer = requests.post(url, json={"message": origin}, headers=headers, timeout=60)
        assert answer.status_code == 202

    evil, good = "https://evil.example", "https://good.example"
    time.sleep(1.0)  # until then a worker may not have heard of the setting
    for origin in (evil, good):
        from_page(origin)
    everything.wait_for(evil, good)
    marks = {event.data["message"]: event.data.get("untrusted") for event in everything.events}
    assert marks == {evil: True, good: None}
    trusted.wait_for(good)
    doubtful.wait_for(evil)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"q": "("}, "bad_query"),
        ({"q": "a" * (MAX_LENGTH + 1)}, "bad_query"),
        ({"limit": "5"}, "bad_parameter"),
        ({"level": "loud"}, "bad_parameter"),
        ({"last_event_id": "nonsense"}, "bad_cursor"),
        ({"last_event_id": "é"}, "bad_cursor"),
        ({"last_event_id": "kA" * 4000}, "bad_cursor"),
    ],
)
def test_what_is_wrong_is_said_before_the_stream_begins(
    server: Server, parameters: dict[str, str], code: str
) -> None:
    answer = ask(server, **parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_one_goes_on_from_any_event_without_loss_or_double(server: Server) -> None:
    with Listener(server, q="go") as first:
        begin = wait_until(lambda: first.last_id, "the first id")
        report(server, *(f"go {n}" for n in range(0, 20)))
        report(server, *(f"go {n}" for n in range(20, 40)))
        wait_until(lambda: len(first.events) == 40, "all")
    report(server, "go 40", "go 41")
    expected = [f"go {n}" for n in range(42)]
    with Listener(server, q="go", last_event_id=begin) as again:
        again.wait_for(*expected)
        expected = again.messages
    for n in (0, 7, 19, 20, 39):
        event = first.events[n]
        # The header is what a browser sends by itself; the address may still have an older one.
        with Listener(server, q="go", last_id=event.id, last_event_id=begin) as again:
            again.wait_for(*expected[n + 1 :])
            assert again.messages == expected[n + 1 :]


def test_a_time_to_begin_at_brings_what_is_stored_first(server: Server) -> None:
    now = time.time()
    for age in (7200, 1200, 600, 300):
        report(server, f"{age} s ago", time=now - age, logger="from")
    wait_until(lambda: len(server.query(logger="from")) == 4, "the records")
    with Listener(server, **{"logger": "from", "from": "-15m"}) as listener:
        listener.wait_for("600 s ago", "300 s ago")
        report(server, "too old", time=now - 7200, logger="from")
        report(server, "now", logger="from")
        listener.wait_for("600 s ago", "300 s ago", "now")
    with Listener(server, **{"logger": "from", "from": "1970-01-01T00:00:00Z"}) as listener:
        wait_until(lambda: len(listener.messages) == 6, "all")


def test_late_records_come_when_they_are_stored(server: Server) -> None:
    with Listener(server, logger="late") as listener:
        report(server, "now", logger="late")
        listener.wait_for("now")
        report(server, "offline for long", time=time.time() - 30 * 86_400, logger="late")
        listener.wait_for("now", "offline for long")


def test_eventsource_by_the_cookie_of_a_session(server: Server) -> None:
    page = person(server, "eve", "viewer", int(server.app["id"])).page()
    page.headers.pop("X-Redlog-CSRF")  # EventSource can't send it
    with Listener(server, token="none", session=page, q="cookie") as listener:
        assert listener.status == 200
        report(server, "cookie 1")
        listener.wait_for("cookie 1")


def test_nginx_passes_on_each_event_at_once(server: Server, tmp_path: Path) -> None:
    with (
        in_front_of(server, tmp_path) as port,
        Listener(server, port=port, q="proxied") as listener,
    ):
        assert wait_until(lambda: listener.last_id, "the begin")
        report(server, "proxied 1")
        listener.wait_for("proxied 1")
        report(server, "proxied 2")
        listener.wait_for("proxied 1", "proxied 2")
        with Listener(server, port=port, q="proxied", last_id=listener.events[0].id) as again:
            again.wait_for("proxied 2")


# Limits, and workers that have no streams.


def test_above_the_limit_readers_are_told_to_poll(make_server: StartServer) -> None:
    server = make_server(REDLOG_QUERY__STREAMS="3", REDLOG_SERVER__WORKERS="1").start()
    listeners = [Listener(server) for _ in range(3)]
    refused = ask(server)
    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert server.report({"message": "m"}).status_code == 202
    for wrong in ({"q": "("}, {"last_event_id": "x"}):
        assert ask(server, **wrong).status_code in (400, 503)
    requests.head(
        f"{server.url}{PATH}", headers={"Authorization": f"Bearer {server.token}"}, timeout=60
    )
    listeners.pop().close()
    listeners.append(
        wait_until(lambda: (again := Listener(server)).status == 200 and again, "a free place")
    )
    assert ask(server).status_code == 503
    for listener in listeners[:2]:
        listener.wait_for("m")


def test_readers_hold_no_thread(make_server: StartServer) -> None:
    server = make_server(REDLOG_SERVER__WORKERS="1", REDLOG_SERVER__THREADS="2").start()
    listeners = [Listener(server) for _ in range(40)]
    assert {listener.status for listener in listeners} == {200}
    assert server.report({"message": "m"}).status_code == 202
    for listener in listeners:
        listener.wait_for("m")


def test_meinheld_says_that_it_has_none(make_server: StartServer) -> None:
    pytest.importorskip("meinheld", reason="meinheld is not built here (no C compiler)")
    server = make_server(REDLOG_SERVER__WORKER_CLASS="meinheld").start()
    answer = ask(server)
    assert (answer.status_code, answer.json()["code"]) == (501, "no_streams")
    assert "gthread" in answer.json()["detail"]
    assert ask(server, "wrong").status_code == 401


def test_http_1_0_is_answered_without_chunks(server: Server) -> None:
    head = f"GET {PATH}?q=old HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(head.encode())
        file = client.makefile("rb")
        lines = iter(file.readline, b"\r\n")
        assert next(lines).startswith(b"HTTP/1.") and b"chunked" not in b"".join(lines)
        assert file.readline().startswith(b"retry: ")
        report(server, "old client")
        read = [file.readline() for _ in range(4)]
        assert read[3].startswith(b'data: {"id":')
