"""What the drains of Heroku and Vercel send as records of ours."""

import json

import pytest
from recorded.heroku import BODY, FRAMES, HEADERS
from recorded.vercel import ARRAY, LINES, LOG

from exceptions import RateLimited, TooLarge, UnreadableBody
from service.adapter import heroku, vercel
from service.adapter.wire import Bad, Reply, Sent, Translated


def test_heroku_frames_find_their_place() -> None:
    named = {name.lower(): value for name, value in HEADERS.items()}
    made = heroku.read(Sent(BODY, headers=named))
    assert list(made.records) == [
        {
            "message": "State changed from starting to up",
            "time": 1795168800123456,
            "level": "fatal",
            "attributes": {"host": "host", "app": "app", "process": "web.3"},
        },
        {
            "message": "at=error 支付",
            "time": 1795168801000000,
            "level": "error",
            "attributes": {"host": "d.1f", "app": "heroku", "process": "router"},
        },
    ]
    assert made.batch_key == f"heroku:d.fc6b856b:{HEADERS['Logplex-Frame-Id']}"
    assert heroku.read(Sent(BODY)).batch_key == ""


def test_a_frame_that_is_none_costs_no_other() -> None:
    body = b"garbage\n" + BODY + b"5 <1>1 x" + BODY
    kinds = [type(each) for each in heroku.read(Sent(body)).records]
    assert kinds == [Bad, dict, dict, Bad, Bad, dict]
    torn = heroku.read(Sent(BODY[:-5])).records
    assert [type(each) for each in torn] == [dict, dict]
    with pytest.raises(TooLarge):
        heroku.read(Sent(BODY, max_records=1))
    with pytest.raises(UnreadableBody):
        heroku.read(Sent(b" "))
    assert len(FRAMES) == 2


@pytest.mark.parametrize("body", [ARRAY, LINES], ids=["array", "lines"])
def test_vercel_logs_find_their_place(body: bytes) -> None:
    made = vercel.read(Sent(body))
    assert isinstance(made, Translated)
    first = dict(made.records[0])  # type: ignore[arg-type]
    rest = first.pop("attributes")
    assert first == {
        "message": "支付失败",
        "time": 1795168800123000,
        "level": "error",
        "environment": "production",
        "trace_id": LOG["traceId"],
    }
    kept = ("id", "deploymentId", "source", "host", "projectId", "requestId", "statusCode")
    assert rest == {name: LOG[name] for name in (*kept, "path", "proxy")}
    assert len(made.records) == 2 and made.batch_key


def test_vercel_reads_what_its_url_holds() -> None:
    told = {"x-vercel-verify": "abc-1"}
    asked = Sent(b"", query={"verify": "abc-1"}, method="GET")
    assert vercel.read(asked) == vercel.read(asked._replace(method="POST"))
    assert vercel.read(asked) == Reply(200, headers=told)
    assert vercel.refuse(asked, RateLimited("slowly", 1)).headers == told
    assert vercel.read(asked._replace(query={"verify": "a\r\nb"})) == Reply(200)
    assert json.loads(ARRAY)[0] == LOG
