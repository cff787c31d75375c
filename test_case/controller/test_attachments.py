"""Files that Sentry's clients send: kept, handed out with their record, and gone with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from conftest import StartServer
from recorded.sentry import envelope
from started import Server, wait_until

pytestmark = pytest.mark.server

PNG = b"\x89PNG\r\n\x1a\n\0\xff" * 50


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("attachments")
    with_few = {"REDLOG_RETENTION__ATTACHMENT_BYTES": "100000"}
    server = Server(folder / "server", folder / "server.log", with_few).start()
    yield server
    server.kill()


def send(
    server: Server,
    *files: tuple[str, bytes],
    key: str = "",
    user: str = "u-1",
    event_id: str = "",
    is_alone: bool = False,
) -> requests.Response:
    event_id = event_id or uuid4().hex
    told = {"event_id": event_id, "message": "it broke", "user": {"id": user}}
    event = ({"type": "event"}, told)
    came = [({"type": "attachment", "filename": name}, content) for name, content in files]
    body = envelope({"event_id": event_id}, *([] if is_alone else [event]), *came)
    return requests.post(
        f"{server.url}/k/{key or server.key}/api/1/envelope/", data=body, timeout=60
    )


def stored(server: Server, answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    server.wait_drained()
    (record,) = server.query(**{"attr.event_id": answer.json()["id"]})
    return record


def fetch(server: Server, record: dict[str, Any], number: int = 0, **more: Any) -> Any:
    return server.get(f"/api/v1/logs/{record['id']}/attachments/{number}", **more)


def kept(server: Server) -> set[Path]:
    return set((server.data / "attachments").glob("*"))


def test_a_file_comes_back_as_it_was_sent(server: Server) -> None:
    record = stored(server, send(server, ("shot.png", PNG), ("茶 \r\n/../x", b"")))
    first, second = record["attributes"]["attachments"]
    assert (first["filename"], first["bytes"], second["bytes"]) == ("shot.png", len(PNG), 0)
    answer = fetch(server, record)
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=shot.png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    empty = fetch(server, record, 1)
    assert (empty.status_code, empty.content) == (200, b"")
    assert "%E8%8C%B6" in empty.headers["Content-Disposition"]
    assert "/.." not in empty.headers["Content-Disposition"]
    assert [fetch(server, record, n).status_code for n in (2, 99)] == [404, 404]


def test_sent_twice_it_is_kept_once(server: Server) -> None:
    before, event_id = kept(server), uuid4().hex
    for _ in range(3):
        answer = send(server, ("a.txt", b"a"), event_id=event_id)
    stored(server, answer)
    assert len(kept(server) - before) == 1


def test_a_file_alone_has_a_record_of_its_own(server: Server) -> None:
    record = stored(server, send(server, ("a.txt", b"late"), is_alone=True))
    assert (record["logger"], record["level"]) == ("sentry", "info")
    assert fetch(server, record).content == b"late"


def test_nobody_reaches_the_files_of_another_app(server: Server) -> None:
    record = stored(server, send(server, ("a.txt", b"secret")))
    other = server.manage("app", "create", f"other {uuid4().hex}", "--json")
    stranger = server.manage(
        "token", "create", "--scope", "read", "--app", str(other["id"]), "--json"
    )
    assert fetch(server, record, token=stranger["token"]).status_code == 404
    forged = {"message": "forged", "attributes": record["attributes"]}
    assert server.report([forged], key=other["ingest_key"]).status_code == 202
    server.wait_drained()
    (mine,) = server.query(app=other["id"])
    assert mine["attributes"]["attachments"] == record["attributes"]["attachments"]
    assert fetch(server, mine).status_code == 404
    for attachments in ("x", [], [1], [{"id": "../secret"}], [{"id": None}], {"id": 1}):
        odd = {"message": f"odd {attachments}", "attributes": {"attachments": attachments}}
        assert server.report([odd]).status_code == 202
        server.wait_drained()
        assert fetch(server, server.query()[0]).status_code == 404


@pytest.mark.parametrize("wish", ["attachments=false", 'scrubbing={"builtin": ["email"]}'])
def test_an_app_that_scrubs_or_wants_no_files_keeps_the_event_alone(
    server: Server, wish: str
) -> None:
    made = server.manage("app", "create", f"no files {uuid4().hex}", "--json")
    server.run("app", "set", str(made["id"]), wish)
    before = kept(server)
    answer = send(server, ("a.txt", b"eve@example.com"), key=made["ingest_key"])
    assert "attachment:key:not_kept" in answer.headers["X-Sentry-Rate-Limits"]
    record = stored(server, answer)
    assert record["attributes"]["attachments"] == [{"filename": "a.txt", "bytes": 15}]
    assert fetch(server, record).status_code == 404
    assert kept(server) == before


def test_what_does_not_fit_is_counted_and_costs_nothing_else(server: Server) -> None:
    answer = send(server, ("small", b"x"), ("large", b"x" * 100_001))
    record = stored(server, answer)
    assert ["id" in each for each in record["attributes"]["attachments"]] == [True, False]
    assert fetch(server, record).content == b"x"
    wait_until(lambda: server.totals().get("rejected:attachment_not_kept"), "the counter")


def test_a_refused_report_leaves_no_file(server: Server) -> None:
    made = server.manage("app", "create", f"full {uuid4().hex}", "--json")
    server.run("app", "set", str(made["id"]), 'limits={"records_per_minute": 1}')
    before = kept(server)
    answers = [send(server, ("a.txt", b"a"), key=made["ingest_key"]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert len(kept(server) - before) == 1


def test_a_forgotten_person_s_files_are_gone(server: Server) -> None:
    eve = stored(server, send(server, ("a.txt", b"eve's"), user="eve"))
    adam = stored(server, send(server, ("a.txt", b"adam's"), user="adam"))
    server.run("forget", "--user-id", "eve", "--wait", "60")
    assert fetch(server, eve).status_code == 404
    assert fetch(server, adam).content == b"adam's"
    assert not any(path.read_bytes() == b"eve's" for path in kept(server))


def test_files_go_with_their_day(make_server: StartServer) -> None:
    server = make_server().start()
    record = stored(server, send(server, ("a.txt", b"a")))
    assert len(kept(server)) == 1
    server.run("partition", "drop", record["id"][:8])
    wait_until(lambda: not kept(server), "the drop")
