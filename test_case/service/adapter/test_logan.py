"""What Logan's clients send, as records of ours."""

import gzip
import json
import random
import zlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from recorded.logan import (
    HEADERS,
    IV,
    KEY,
    MS,
    PEM,
    block,
    file_of,
    line,
    page,
    secret_log,
    web_log,
)

from exceptions import BadRequestBody, TooLarge, UnreadableBody
from service.adapter.logan import read, refuse, reply
from service.adapter.logan_native import MAX_FALSE_STARTS
from service.adapter.logan_web import MAX_KEY_TEXT
from service.adapter.wire import Bad, Record, Sent, Translated
from service.logan_key import check_private_key
from service.native_batch import batch_of
from utils.app_settings import AppSettings

SETTINGS = AppSettings(logan_key=KEY, logan_iv=IV.encode().hex(), logan_private_key=PEM)
NAMES = {name.lower(): value for name, value in HEADERS.items()}


def translated(body: bytes, settings: AppSettings = SETTINGS, **more: Any) -> Translated:
    return read(Sent(body, "/logan/upload.json", headers=NAMES, settings=settings, **more))


def messages(body: bytes, **more: Any) -> list[str]:
    return [r.reason if isinstance(r, Bad) else r["message"] for r in translated(body, **more)[0]]


# Pages of the web.


def test_every_member_of_a_page_finds_its_place() -> None:
    made = translated(page(web_log("支付 %失败"), secret_log("secret")))
    first: Record = {
        "message": "支付 %失败",
        "time": MS,
        "platform": "web",
        "device_id": "d-1",
        "environment": "prod",
        "attributes": {"web_source": "shop", "custom_info": '{"user":7}', "type": 1},
    }
    records = [{**each, "time": int(each["time"] // 1000)} for each in made.records]  # type: ignore[call-overload, index]
    assert records == [first, {**first, "message": "secret"}]
    body = page(web_log("一"))
    assert translated(body).batch_key == translated(body).batch_key != ""
    assert translated(page(web_log("一", ms=0))).batch_key == ""
    kept = batch_of(made, 10)
    assert (kept.count, kept.rejected) == (2, ())


def test_bad_logs_cost_those_beside_them_nothing() -> None:
    other = generate_private_key(65537, 2048).public_key()
    bad = [
        {"l": "%%"},
        {"l": "e30="},
        {"k": 1},
        7,
        {**secret_log("x"), "iv": "short"},
        {**secret_log("x"), "k": "AAAA"},
        secret_log("x", other),
    ]
    found = messages(page(web_log("one"), *bad, web_log("two")))
    assert (found[0], found[-1], len(found)) == ("one", "two", 9)
    assert found[1:5] == ["invalid_base64", "invalid_json", "invalid_json", "invalid_json"]
    assert found[5:8] == ["undecryptable"] * 3
    assert messages(page(web_log("one"), logArray="%7B,%ff,,")) == ["invalid_json"] * 2


def test_what_is_encrypted_needs_the_apps_key() -> None:
    (bad,) = translated(page(secret_log("x")), AppSettings()).records
    assert isinstance(bad, Bad) and "logan_private_key" in bad.detail


def test_a_page_without_logs_is_refused() -> None:
    for body in (b"{", page(logArray=None), page(logArray=[1])):
        with pytest.raises(UnreadableBody):
            translated(body)


def test_a_page_has_its_caps() -> None:
    with pytest.raises(TooLarge):
        translated(page(logArray="a," * 10), max_records=10)
    log = secret_log("x")
    keys = [f"{n:0{MAX_KEY_TEXT // 4}d}" for n in range(5)]
    with pytest.raises(TooLarge, match="encrypted"):
        translated(page(*({**log, "k": key} for key in keys)))
    with pytest.raises(TooLarge, match="in common"):
        translated(page(*([{}] * 2000), customInfo="x" * 100_000))


# Files of phones.


def test_every_member_of_a_file_finds_its_place() -> None:
    made = translated(file_of(["一"], ["二", "三"]))
    record = made.records[0]
    assert isinstance(record, dict)
    assert record | {"time": MS} == {
        "message": "一",
        "time": MS,
        "platform": "android",
        "device_id": "d-1",
        "release": "2.1.0",
        "attributes": {
            "app_id": "shop",
            "union_id": "u-1",
            "build_version": "77",
            "file_date": "2026-11-20",
            "type": 2,
            "thread": "main",
            "thread_id": 1,
            "main_thread": True,
        },
    }
    assert messages(file_of(["一"], ["二", "三"])) == ["一", "二", "三"]
    assert made.batch_key == translated(file_of(["一"], ["二", "三"])).batch_key != ""
    assert batch_of(made, 10).count == 3


def test_stray_bytes_between_blocks_are_passed_over() -> None:
    stray = b"\0\x17\1\1\0\0\0\x20" + b"\1" * 40
    assert messages(stray + file_of(["一"]) + stray + file_of(["二"]) + b"\1") == ["一", "二"]


def packed(*texts: str) -> bytes:
    """As a device writes: what it has logged so far can be read, whenever it dies."""
    stream = zlib.compressobj(9, wbits=31)
    pieces = [stream.compress(line(t)) + stream.flush(zlib.Z_SYNC_FLUSH) for t in texts]
    return b"".join(pieces)


def test_of_a_torn_file_the_whole_lines_are_kept() -> None:
    long = random.Random(1).randbytes(99).hex()
    torn = block(packed("一", "二", long))[:-1]
    whole = file_of(["zero"])
    assert messages(whole + torn[:-64]) == ["zero", "一", "二"]
    for cut in range(1, len(torn)):
        assert set(messages(whole + torn[:-cut])) <= {"zero", "一", "二", "damaged_block", long}


def test_a_damaged_block_costs_no_other() -> None:
    texts = ["一" * 99, "二"]
    good, bad = file_of(["good"]), bytearray(file_of(texts))
    bad[40] ^= 255
    assert messages(good + bytes(bad) + good) == ["good", "good", "damaged_block"]
    lines = line("one") + b"{\n[]\n" + b'{"f": 1}\n' + line("two")
    found = messages(block(gzip.compress(lines)))
    assert found == ["one", "invalid_json", "invalid_json", "missing_message", "two"]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (AppSettings(), "has no logan_key"),
        (AppSettings(logan_key=KEY), "has no logan_key"),
        (AppSettings(logan_key=IV, logan_iv=IV), "is not the app's"),
    ],
)
def test_without_the_right_key_a_file_is_refused(settings: AppSettings, why: str) -> None:
    with pytest.raises(UnreadableBody, match=why):
        translated(file_of(["一"]), settings)


def test_no_file_makes_more_than_its_caps() -> None:
    bomb = block(gzip.compress(b" " * 2**24))
    for body in (bomb, bomb * 20):
        with pytest.raises(TooLarge):
            translated(body)
    with pytest.raises(TooLarge):
        translated(file_of(["x"] * 11), max_records=10)
    with pytest.raises(TooLarge, match="blocks"):
        translated(file_of(["x"]) * 11, max_records=10)
    liar = b"\1\x7f\xff\xff\xff" + file_of(["一"])[5:]
    assert messages(liar) == ["一"]
    for body in (b"\1" * 2**20, b"\1\x80\0\0\0" * 2 * MAX_FALSE_STARTS, b"x", b"\1"):
        with pytest.raises(UnreadableBody):
            translated(body)


# Replies, and the key.


def test_clients_are_told_by_code() -> None:
    sent, made = Sent(b""), translated(file_of(["一"]))
    assert json.loads(reply(sent, made, batch_of(made, 9)).body)["code"] == 200
    refused = refuse(sent, TooLarge("too much"))
    assert refused.status == 413
    assert json.loads(refused.body) == {"code": 413, "msg": "too much", "data": None}


def test_a_private_key_is_looked_at_before_it_is_kept() -> None:
    check_private_key(PEM)
    small = generate_private_key(65537, 1024)
    assert small.key_size == 1024
    for bad in ("x", PEM.replace("PRIVATE", "PUBLIC"), PEM[:400]):
        with pytest.raises(BadRequestBody) as refused:
            check_private_key(bad)
        assert bad not in refused.value.detail and refused.value.members["field"]
