"""Lines of objects as records of ours, with VictoriaLogs' parameters."""

from typing import Any

import pytest
from recorded.ndjson import ARRAY, LINES

from exceptions import NoGoodRecord, TooLarge, UnreadableBody
from service.adapter.ndjson import read, reply
from service.adapter.wire import Bad, Reply, Sent, Translated
from service.native_batch import batch_of

QUERY = {"_msg_field": "text,log", "_time_field": "nothing,date", "ignore_fields": "secret"}


def records(body: bytes, query: dict[str, str] | None = None, **headers: str) -> list[Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return list(read(Sent(body, query=query or {}, headers=named)).records)


def test_parameters_name_the_members() -> None:
    more = {"_stream_fields": "a, dc", "extra_fields": "dc=cn,x=1=2"}
    first, second = records(LINES, QUERY | more)
    extra = {"dc": "cn", "x": "1=2"}
    assert first == {
        "message": "茶",
        "time": "2026-11-20T10:00:00.123Z",
        "level": "warn",
        "attributes": {"a": 1, **extra, "_stream": {"a": 1, "dc": "cn"}},
    }
    assert second["message"] == "started" and "time" not in second
    assert second["attributes"]["b"] == "x" and "secret" not in second["attributes"]


def test_headers_name_them_too_and_the_query_counts_more() -> None:
    body = b'{"x": "1", "y": "2"}'
    (record,) = records(body, vl_msg_field="x", vl_extra_fields="z=3", vl_stream_fields="z")
    assert record["message"] == "1"
    assert record["attributes"] == {"y": "2", "z": "3", "_stream": {"z": "3"}}
    assert records(body, {"_msg_field": "y"}, vl_msg_field="x")[0]["message"] == "2"


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-20 10:00:00", 1795168800000000),
        (1795168800, 1795168800000000),
        (1795168800123, 1795168800123000),
        ("1795168800123456789", 1795168800123456),
        (0, None),
        ("soon", None),
    ],
)
def test_times_are_told_by_their_magnitude(time: Any, expected: int | None) -> None:
    text = f'{{"d": {time if isinstance(time, int) else chr(34) + time + chr(34)}}}'
    (record,) = records(text.encode(), {"_time_field": "d"})
    assert record.get("time") == expected


def test_an_array_is_as_good_as_lines() -> None:
    (record,) = records(ARRAY)
    assert (record["message"], record["attributes"]) == ("m", {"k": {"v": 1}})


def test_a_bad_line_costs_no_other() -> None:
    good = b'{"message": "m"}\n'
    made = records(good + b"{torn\n[1]\nnull\n" + good)
    assert [type(each) for each in made] == [dict, Bad, Bad, Bad, dict]
    translated = Translated(made)
    assert reply(Sent(b""), translated, batch_of(translated, 9)) == Reply(200)
    translated = Translated(made[1:4])
    with pytest.raises(NoGoodRecord):
        reply(Sent(b""), translated, batch_of(translated, 9))


def test_the_same_lines_have_the_same_key_if_they_have_times() -> None:
    assert read(Sent(ARRAY)).batch_key == read(Sent(ARRAY)).batch_key != ""
    assert read(Sent(LINES)).batch_key == ""


@pytest.mark.parametrize("body", [b"", b"\n \n", b"[]"])
def test_without_an_object_there_is_nothing_to_keep(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        records(body)


@pytest.mark.parametrize("body", [b"{}\n" * 11, b"[" + b"{}," * 10 + b"{}]"])
def test_no_more_is_made_than_may_be_stored(body: bytes) -> None:
    with pytest.raises(TooLarge):
        read(Sent(body, max_records=10))
