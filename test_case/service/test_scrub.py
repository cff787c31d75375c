"""Scrubbing: what must not be kept goes, in every form and spelling, and nothing else changes."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from started import ROOT
from stored import Row, rows_of

from database.rows import decode
from service.batch import Batch, decode_batch
from service.scrub import scrub
from service.scrub_own import BadRule
from service.scrub_record import Scrubber, scrubber_of
from service.scrub_rules import RULES
from service.shed import leave_out
from utils.app_settings import Scrubbing, ScrubRule
from utils.record import SHED, Form

ALL = Scrubbing(builtin=list(RULES))
SIGNS = '支付😀é xyz,\n"\\/<>\t'  # no rule looks for any of them


def masked(text: str, *rules: str) -> str:
    """What becomes of a message."""
    chosen = Scrubbing(builtin=list(rules)) if rules else ALL
    body = json.dumps({"message": text}).encode()
    batch = scrub(decode_batch(body, False, 10), chosen)
    return str(rows_of(batch.form, batch.payload)[0]["message"])


def record_of(record: dict[str, Any], scrubbing: Scrubbing = ALL) -> Row:
    """The row that is stored of a record."""
    batch = scrub(decode_batch(json.dumps(record).encode(), False, 10), scrubbing)
    (row,) = rows_of(batch.form, batch.payload)
    return row


def own(**rule: Any) -> Scrubbing:
    return Scrubbing(rules=[ScrubRule(**rule)])


# The built-in rules.


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("passwords", "?user=ada&password=hunter2&x=1", "?user=ada&password=[secret]&x=1"),
        ("passwords", '{"user_password": "hu\\"nt,er2", "a"', '{"user_password": "[secret]", "a"'),
        ("passwords", r'{\"apiKey\":\"hunter2\",\"a\":1}', r'{\"apiKey\":\"[secret]\",\"a\":1}'),
        ("passwords", "PWD: 'two words', next", "PWD: '[secret]', next"),
        ("passwords", 'cut off: "secret":"hunter', 'cut off: "secret":"[secret]'),
        ("passwords", "Authorization: Basic YWRhOmI=\nH: x", "Authorization: [secret]\nH: x"),
        ("passwords", "cookie: a=1; b=2\r\nHost: x", "cookie: [secret]\r\nHost: x"),
        ("passwords", "mysql://root:p@ss@db/x", "mysql://root:[secret]@db/x"),
        ("passwords", "at resetPassword.ts:88:13", "at resetPassword.ts:88:13"),
        ("passwords", "the password was changed", "the password was changed"),
        ("bearer", "curl -H 'X: bearer abc.DEF-1'", "curl -H 'X: bearer [token]'"),
        ("tokens", "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s-_g.", "jwt [token]"),
        ("tokens", "AKIAIOSFODNN7EXAMPLE,sk-" + "a1" * 12, "[token],[token]"),
        ("tokens", "ghp_" + "aB3" * 12 + " task-" + "a" * 30, "[token] task-" + "a" * 30),
        ("tokens", "-----BEGIN PRIVATE KEY-----\nMII\n", "[token]"),
        ("cards", "4111111111111111", "[card]"),
        ("cards", "卡号4111 1111-1111 1111 12/27", "卡号[card] 12/27"),
        ("cards", "1234 3782 822463 10005", "1234 [card]"),
        ("cards", "4111111111111112", "4111111111111112"),
        ("cards", "1795168800126 0.4111111111111111", "1795168800126 0.4111111111111111"),
        ("cards", "44111111111111111111", "44111111111111111111"),
        ("cards", "4bf92f4111111111111111a3ce929d0e", "4bf92f4111111111111111a3ce929d0e"),
        ("cn_mobile", "手机13800138000，+86 139-0013-8000", "手机[mobile]，[mobile]"),
        ("cn_mobile", "8613800138000 008613800138000", "[mobile] [mobile]"),
        ("cn_mobile", "138001380001 12800138000", "138001380001 12800138000"),
        ("cn_id", "身份证11010519491231002X。", "身份证[id number]。"),
        ("cn_id", "110105194912310021 11010519491331002X", "110105194912310021 11010519491331002X"),
        ("email", "邮箱ada.l+x@example.co.uk。用户@例.com", "邮箱[email]。用户@例.com"),
        ("email", "?to=ada%40example.com&x=Object@1f2e", "?to=[email]&x=Object@1f2e"),
        ("ip", "10.1.2.3:80, 256.1.1.1, 1.2.3.4.5", "10.1.2.0:80, 256.1.1.1, 1.2.3.4.5"),
        ("ip", "[2001:db8:1:2::5]:443 fe80::1%eth0", "[2001:db8:1::]:443 fe80::%eth0"),
        ("ip", "::ffff:10.1.2.3 from 2001:db8::7: no", "::ffff:10.1.2.0 from 2001:db8::: no"),
        ("ip", "10:00:00 std::vector aa:bb:cc:dd:ee:ff", "10:00:00 std::vector aa:bb:cc:dd:ee:ff"),
    ],
)  # fmt: skip
def test_a_rule_masks_what_it_is_for_and_nothing_else(rule: str, before: str, after: str) -> None:
    assert masked(before, rule) == after
    assert masked(after, rule) == after


def test_every_luhn_length_is_a_card() -> None:
    for length in range(13, 20):
        body = "4" + "0" * (length - 2)
        (check,) = [d for d in "0123456789" if masked(body + d, "cards") == "[card]"]
        assert masked(f"x{body}{check}y", "cards") == "x[card]y"


def test_a_secret_is_known_by_its_key_whatever_it_looks_like() -> None:
    row = record_of(
        {
            "message": "m",
            "X-Api-Key": "a",
            "attributes": {
                "userPassword": 12345678,
                "Set-Cookie": ["a", {"b": "c"}],
                "client_secret": {"value": "x"},
                "my password hash": "abc",
                "accessToken": "",
                "token": None,
                "cvv": 123,
                "token_count": 5,
                "secretive": False,
            },
        }
    )
    assert row["attributes"] == {
        "X-Api-Key": "[secret]",
        "userPassword": "[secret]",
        "Set-Cookie": "[secret]",
        "client_secret": "[secret]",
        "my password hash": "[secret]",
        "accessToken": "",
        "token": None,
        "cvv": "[secret]",
        "token_count": 5,
        "secretive": False,
    }


def test_a_name_beside_its_value_is_as_good_as_a_key() -> None:
    headers = [["Cookie", "a=1"], ["Host", "x"]]
    fields = [{"name": "password", "value": "x"}, {"name": "user", "value": "ada"}]
    row = record_of({"message": "m", "headers": headers, "fields": fields, "tags": ["token", "x"]})
    assert row["attributes"] == {
        "headers": [["Cookie", "[secret]"], ["Host", "x"]],
        "fields": [{"name": "password", "value": "[secret]"}, {"name": "user", "value": "ada"}],
        "tags": ["token", "x"],
    }


def test_a_number_is_a_text_too_but_not_where_the_type_says_what_it_is() -> None:
    card = 4111111111111111
    body = b'{"message": "m", "seq": %d, "time": 1795168800126, "a": [%d, %d.0, 1.50, 1e999, -%d,'
    body += b"123456789012345678901234567890, true]}"
    batch = scrub(decode_batch(body % (card, card, card, card), False, 10), ALL)
    assert b'"seq":%d' % card in batch.payload and b'"time":1795168800126' in batch.payload
    assert b'["[card]","[card]",1.50,1E+999,"-[card]",1234567890' in batch.payload


def test_keys_are_texts_too_and_stay_apart() -> None:
    row = record_of({"message": "m", "seen": {"a@b.cc": 1, "c@d.ee": 2, "[email] 1": 3, "x": 4}})
    seen = {"[email]": 1, "[email] 2": 2, "[email] 1": 3, "x": 4}
    assert row["attributes"] == {"seen": seen}


def test_a_release_is_no_address() -> None:
    row = record_of({"message": "10.1.2.3", "release": "10.1.2.3", "logger": "a@b.cc"})
    assert (row["message"], row["release"], row["logger"]) == ("10.1.2.0", "10.1.2.3", "[email]")


def test_a_field_of_128_signs_stays_within_its_length() -> None:
    long = ("a@b.cc " * 19)[:128]
    row = record_of({"message": "m", "user_id": long})
    assert len(row["user_id"]) == 128 and row["user_id"].startswith("[email] [email]")


def test_what_stands_twice_hides_nothing() -> None:
    body = b'{"message": "m", "a": "4111111111111111", "a": "x", "password": "hunter2"'
    body += b', "password": null}'
    for sent in (body, b'{"x": "hunter2 a@b.cc", "logs": [], "logs": [' + body + b"]}"):
        payload = scrub(decode_batch(sent, False, 10), ALL).payload
        assert b"4111" not in payload and b"hunter2" not in payload and b"a@b" not in payload


# Own rules.


def test_own_fields_are_replaced_whole() -> None:
    scrubbing = own(
        fields=["attributes.user.card", "attributes.*.cvc", "user_id", "attributes.l.0"]
    )
    row = record_of(
        {
            "message": "m",
            "user_id": "ada",
            "a": {"cvc": {"x": 1}},
            "attributes": {"user": {"card": 7, "b": 8}, "user.card": 9, "cvc": 1, "l": [1, 2]},
        },
        scrubbing,
    )
    gone = "[scrubbed]"
    assert row["user_id"] == gone
    assert row["attributes"] == {
        "a": {"cvc": gone},
        "user": {"card": gone, "b": 8},
        "user.card": gone,
        "cvc": 1,
        "l": [gone, 2],
    }


def test_own_patterns_are_for_all_texts_or_for_those_of_fields() -> None:
    record = {"message": "MRN-12 支付", "a": {"b": ["MRN-34"], "MRN-5": 1}, "logger": "MRN-6"}
    row = record_of(record, own(pattern="MRN-[0-9]+", replacement="…"))
    assert (row["message"], row["logger"]) == ("… 支付", "…")
    assert row["attributes"] == {"a": {"b": ["…"], "…": 1}}
    row = record_of(record, own(pattern="MRN-[0-9]+", fields=["attributes.a"]))
    assert row["attributes"] == {"a": {"b": ["[scrubbed]"], "MRN-5": 1}}
    assert (row["message"], row["logger"]) == ("MRN-12 支付", "MRN-6")
    assert record_of({"message": "支付宝"}, own(pattern="付."))["message"] == "支[scrubbed]"


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"pattern": "("},
        {"pattern": "(?=x)"},
        {"pattern": "x*"},
        {"pattern": "(?:a?){900}x"},
        {"pattern": r"\pL{200}"},
        {"fields": ["time"]},
        {"fields": ["attributes"]},
        {"fields": ["user.card"]},
        {"fields": ["message.x"]},
    ],
)
def test_a_rule_that_can_not_be_kept_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(BadRule) as caught:
        Scrubber(own(**rule))
    assert str(caught.value)


def test_an_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(BadRule, match="'card' is no built-in rule; these are: passwords"):
        Scrubber(Scrubbing(builtin=["card"]))


def test_rules_are_made_ready_once() -> None:
    assert scrubber_of(Scrubbing(["ip"])) is scrubber_of(Scrubbing(["ip"]))


# The forms.

SECRETS = {
    "password=hunter2hunter2": "hunter2hunter2",
    "Bearer abcdefgh": "abcdefgh",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln": "eyJ",
    "4111 1111 1111 1111": "1111",
    "6222021234567890128": "6222021",
    "13800138000": "138",
    "11010519491231002X": "1101",
    "ada.lovelace@example.com": "ada",
    "10.20.30.40": ".40",
    "2001:db8:1:2:3:4:5:6": ":6",
}


def spelled(value: Any, spelling: str) -> str:
    """JSON with texts as they are, with escapes beyond ASCII, or with all signs escaped."""
    text = json.dumps(value, ensure_ascii=spelling != "plain")
    if spelling != "escaped":
        return text

    def escape(match: re.Match[str]) -> str:
        units = json.loads(match[0]).encode("utf-16-be")
        signs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
        return '"' + "".join(f"\\u{sign}" for sign in signs) + '"'

    return re.sub(r'"(?:[^"\\]|\\.)*"', escape, text)


def written(records: list[dict[str, Any]], form: Form, spelling: str) -> tuple[bytes, bool]:
    """A body in a form, and whether it is declared to be lines. A bad record makes it CLEANED."""
    if form is Form.RECORD:
        return spelled(records[0], spelling).encode(), False
    if form is Form.LINES:
        return "\n".join(spelled(record, spelling) for record in records).encode(), True
    if form is Form.CLEANED:
        records = [*records, {"level": "info"}]
    if form is Form.ARRAY:
        return spelled(records, spelling).encode(), False
    context = {"context": {"release": "1"}, "sent_at": "2026-11-20T10:00:00Z", "more": 1}
    logs = ",".join(spelled(record, spelling) for record in records)
    return (json.dumps(context)[:-1] + f', "logs": [{logs}]}}').encode(), False


def wrapped(value: Any, way: list[str]) -> Any:
    for step in way:
        value = [value, 1] if step == "list" else {step: value}
    return value


def texts_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


forms = st.sampled_from(list(Form))
spellings = st.sampled_from(["plain", "ascii", "escaped"])
around = st.text(SIGNS, max_size=6).filter(lambda text: text[-1:] not in ("\\", "x", "y", "z"))
ways = st.lists(st.sampled_from(["list", "键", "k", "k.l"]), max_size=4)


@given(st.sampled_from(list(SECRETS)), around, around, ways, forms, spellings, st.booleans())
def test_no_secret_gets_through_in_any_form(
    secret: str, before: str, after: str, way: list[str], form: Form, spelling: str, key: bool
) -> None:
    text = f"{before}{secret} {after}"
    inner = wrapped({text: 1} if key else text, way)
    records = [{"message": "支付 😀", "a": inner}, {"message": "kept", "seq": 7}]
    body, lines = written(records, form, spelling)
    batch = decode_batch(body, lines, 10)
    assert batch.form is form
    scrubbed = scrub(batch, ALL)
    rows = rows_of(scrubbed.form, scrubbed.payload)
    assert (scrubbed.count, len(rows)) == (batch.count, batch.count)
    assert (scrubbed.batch_id, scrubbed.rejected) == (batch.batch_id, batch.rejected)
    stored = texts_of(rows)
    assert SECRETS[secret] not in stored and "支付 😀" in stored
    assert json.dumps(before, ensure_ascii=False)[1:-1] in stored
    again = scrub(scrubbed, ALL)
    assert rows_of(again.form, again.payload) == rows


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(SIGNS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(SIGNS), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(values, min_size=1, max_size=3), forms, st.sampled_from(["plain", "ascii"]))
def test_a_body_in_which_nothing_matches_is_the_same_body(
    given: list[Any], form: Form, spelling: str
) -> None:
    records = [{"message": "m", "attributes": {"x": value}} for value in given]
    body, lines = written(records, form, spelling)
    batch = decode_batch(body, lines, 10)
    assert scrub(batch, ALL) is batch


lookalikes = st.text('0123456789 -.:@%xX4af="\\[]password\n', max_size=60)


@given(st.lists(lookalikes | st.sampled_from(list(SECRETS)), min_size=2, max_size=6))
def test_a_record_is_scrubbed_the_same_whatever_stands_beside_it(texts: list[str]) -> None:
    records = [{"message": text} for text in texts]
    batch = scrub(decode_batch(json.dumps(records).encode(), False, 10), ALL)
    together = [row["message"] for row in rows_of(batch.form, batch.payload)]
    assert together == [masked(text) for text in texts]


@given(lookalikes)
def test_scrubbed_twice_is_scrubbed_once(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


@given(st.from_regex(r"[2-689][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,7}", fullmatch=True))
def test_what_is_no_card_keeps_its_value(text: str) -> None:
    digits = [int(digit) for digit in text if digit.isdigit()]
    total = sum(d if n % 2 == 0 else d * 2 - 9 * (d > 4) for n, d in enumerate(digits[::-1]))
    if total % 10 == 0:
        assert "[card]" in masked(text, "cards")
    elif "[card]" in masked(text, "cards"):  # the groups before the last
        assert re.search(r"[ -]", text)
    else:
        assert masked(text, "cards") == text


def test_the_rest_of_the_batch_is_kept() -> None:
    logs = [{"message": "a@b.cc", "level": "info", "x": 1}, {"message": "b"}, {"level": "info"}]
    context = {"user_id": "c@d.ee", "attributes": {"password": "x", "n": 1}}
    body = {"batch_id": 7, "sent_at": "2026-11-20T10:00:00Z", "context": context, "logs": logs}
    batch = scrub(decode_batch(json.dumps(body).encode(), False, 10), ALL)
    assert (batch.form, batch.count, batch.batch_id) == (Form.CLEANED, 2, "7")
    decoded = decode(batch.form, batch.payload)
    assert decoded.rejected == {"missing_message": 1} and decoded.sent_at is not None
    rows = rows_of(batch.form, batch.payload)
    assert [row["message"] for row in rows] == ["[email]", "b"]
    assert {row["user_id"] for row in rows} == {"[email]"}
    assert rows[0]["attributes"] == {"password": "[secret]", "n": 1, "x": 1}
    assert decode(Form.CLEANED, leave_out(batch, 13, SHED).payload).rejected == {
        "missing_message": 1,
        "shed": 2,
    }


# Failures.


def test_a_record_that_can_not_be_scrubbed_is_refused_and_counted() -> None:
    bad = '{"message": "b", "a": "a@b.cc", "n": ' + "9" * 5000 + "}"
    good = '{"message": "a@b.cc"}'
    body = f'{{"logs": [{good}, {{"level": "info"}}, {bad}, {good}]}}'.encode()
    batch = scrub(decode_batch(body, False, 10), ALL)
    refused = [(rejection.index, rejection.reason) for rejection in batch.rejected]
    assert refused == [(1, "missing_message"), (2, "scrub_failed")]
    assert batch.count == 2 and b"a@b.cc" not in batch.payload
    assert decode(batch.form, batch.payload).rejected == {"missing_message": 1, "scrub_failed": 1}


def test_a_context_that_can_not_be_scrubbed_costs_the_batch() -> None:
    bad = '{"user_id": "a@b.cc", "n": ' + "9" * 5000 + "}"
    body = f'{{"context": {bad}, "logs": [{{"message": "a"}}, {{"message": "b"}}]}}'.encode()
    batch = scrub(decode_batch(body, False, 10), ALL)
    assert (batch.count, [one.reason for one in batch.rejected]) == (0, ["scrub_failed"] * 2)
    assert decode(batch.form, batch.payload).rejected == {"scrub_failed": 2}
    assert b"a@b.cc" not in batch.payload


@pytest.mark.parametrize("depth", [100, 600, 900, 960, 2000])
def test_depth_hurts_nobody(depth: int) -> None:
    body = (
        '{"message": "m", "a": ' + '{"b":[' * (depth // 2) + '"a@b.cc"' + "]}" * (depth // 2) + "}"
    )
    batch: Batch = decode_batch(body.encode(), False, 10)
    scrubbed = scrub(batch, ALL)
    assert b"a@b.cc" not in scrubbed.payload
    assert scrubbed.count + len(scrubbed.rejected) == 1
    assert depth > 900 or scrubbed.count == 1


def test_who_has_no_rules_pays_nothing() -> None:
    code = (
        "import sys, service.apps, service.ingest, service.scrub_try; print('re2' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    batch = decode_batch(b'{"message": "a@b.cc"}', False, 10)
    assert not Scrubbing().is_on and scrub(batch, Scrubbing(["cards"])) is batch
