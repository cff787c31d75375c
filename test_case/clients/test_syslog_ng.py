"""syslog-ng's http(): what of syslog is stored, and what it does when that is refused."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from refusals import Refusing
from relay import Lost, Relay
from started import ROOT, Server
from syslog_ng import SyslogNg

pytestmark = pytest.mark.server

DOCUMENT = (ROOT / "docs" / "clients" / "README.md").read_text("utf-8")
NDJSON = re.findall(r"```\n(destination redlog .*?)```", DOCUMENT, re.DOTALL)[0]
BULK = """
destination redlog {
    http(
        url("https://logs.example.com/_bulk")
        headers("Authorization: ApiKey rlk_…", "Content-Type: application/x-ndjson")
        body("{\\"create\\":{\\"_index\\":\\"syslog\\"}}\\n$(format-json MEMBERS)")
        delimiter("\\n") body-suffix("\\n")
        batch-lines(1000) batch-timeout(200)
    );
};
""".replace("MEMBERS", re.findall(r"format-json (.*?)\)\"\)\n", NDJSON)[0])

Start = Callable[[str, str], SyslogNg]


@pytest.fixture
def start(tmp_path: Path, server: Server) -> Iterator[Start]:
    """Starts a syslog-ng that reports to a URL; it is killed when the test ends."""
    started: list[SyslogNg] = []

    def start(destination: str, url: str) -> SyslogNg:
        (folder := tmp_path / uuid4().hex).mkdir()
        ours = destination.replace("https://logs.example.com", url).replace("rlk_…", server.key)
        started.append(SyslogNg(folder, ours))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def line(program: str, message: str, severity: int = 4) -> str:
    """A line of RFC 5424 of facility daemon."""
    return f"<{3 * 8 + severity}>1 2026-11-20T10:00:00.123Z web-1 {program} 42 - - {message}"


@pytest.mark.parametrize("destination", [NDJSON, BULK], ids=["NDJSON", "_bulk"])
def test_syslog(server: Server, start: Start, destination: str) -> None:
    program = uuid4().hex
    start(destination, server.url).send(line(program, 'out of "茶"'), line(program, "gone", 0))
    warned, gone = server.found(2, logger=program)
    assert (warned["message"], warned["level"]) == ('out of "茶"', "warning")
    assert (gone["message"], gone["level"]) == ("gone", "fatal")
    assert warned["time"] == "2026-11-20T10:00:00.123000Z"
    index = {"_index": "syslog"} if destination is BULK else {}
    own = {"host": "web-1", "pid": "42", "facility": "daemon", **index}
    assert warned["attributes"] == own


def test_it_sends_again_after_a_429_or_503(
    server: Server, refusing: Refusing, start: Start
) -> None:
    for refuses, status in ((refusing.full, 503), (refusing.limited, 429)):
        program = uuid4().hex
        with Relay(refuses, refuses, server) as relay:
            start(NDJSON, relay.url).send(line(program, "m"), line(program, "m"))
            server.found(2, logger=program)
            relay.wait_for(3)
            assert relay.statuses == [status, status, 200]
            assert len({passed.body for passed in relay.passed}) == 1


def test_it_sends_again_what_was_not_answered(server: Server, start: Start) -> None:
    program = uuid4().hex
    with Relay(Lost(server), server) as relay:
        start(NDJSON, relay.url).send(line(program, "m"), line(program, "m"))
        relay.wait_for(2)
    assert relay.statuses == [200, 200]
    server.found(2, logger=program)


def test_what_is_refused_for_good_holds_up_nothing(
    server: Server, refusing: Refusing, start: Start
) -> None:
    program = uuid4().hex
    with Relay(refusing.small, server) as relay:
        syslog_ng = start(NDJSON, relay.url)
        syslog_ng.send(*[line(program, "x" * 7000)] * 3)
        relay.wait_for(1)
        syslog_ng.send(line(program, "next"))
        assert server.found(1, logger=program)[0]["message"] == "next"
        relay.wait_for(2)
        assert relay.statuses == [413, 200]
