"""Access tokens: what a forger tries, and keys that are replaced."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from utils import tokens
from utils.secret import rotate
from utils.tokens import Access, Tokens

KEY = "the secret, " * 3 + "the secret"
OURS: dict[str, Any] = {
    "salt": "redlog.access-token",
    "signer_kwargs": {"key_derivation": "hmac", "digest_method": hashlib.sha256},
}
ids = st.text("0123456789abcdef", min_size=16, max_size=32)
accesses = st.builds(
    Access,
    st.integers(2**33, 2**53),
    ids,
    st.sampled_from(["read", "admin"]),
    st.none() | st.lists(st.integers(1, 2**31), max_size=300),
    st.none() | st.integers(1, 2**31),
    st.none() | ids,
)
FOREVER = Access(2**40, "x", "admin", None)


def tokens_of(folder: Path, *keys: str) -> Tokens:
    folder.mkdir(exist_ok=True)
    (folder / "secret").write_text("\n".join(keys))
    return Tokens(folder)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return tokens_of(tmp_path_factory.mktemp("data"), KEY)


def signed(payload: Any, **options: Any) -> str:
    """As tokens were before keys had ids."""
    return str(URLSafeSerializer(KEY, **(OURS | options)).dumps(payload))


@given(accesses)
def test_what_was_signed_is_read_back(issuer: Tokens, access: Access) -> None:
    assert issuer.read(issuer.sign(access)) == access


@given(accesses, st.data())
def test_a_token_changed_at_any_place_is_refused(
    issuer: Tokens, access: Access, data: st.DataObject
) -> None:
    token = issuer.sign(access).encode()
    at = data.draw(st.integers(0, len(token) - 1))
    bits = data.draw(st.integers(1, 255))
    flipped = token[:at] + bytes([token[at] ^ bits]) + token[at + 1 :]
    assert issuer.read(flipped.decode("latin-1")) is None
    assert issuer.read((token[:at] + token[at + 1 :]).decode()) is None
    added = data.draw(st.text(min_size=1, max_size=3))
    assert issuer.read(token[:at].decode() + added + token[at:].decode()) is None


def test_a_token_has_one_spelling(issuer: Tokens) -> None:
    """The last letter of a signature has bits that mean nothing; they must be 0 all the same."""
    token = issuer.sign(FOREVER)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=."
    good = [letter for letter in letters if issuer.read(token[:-1] + letter)]
    assert good == [token[-1]]
    assert [issuer.read(token + letter) for letter in letters] == [None] * len(letters)


def test_two_tokens_of_the_same_rights_are_told_apart(issuer: Tokens) -> None:
    first, second = (issuer.read(issuer.issue(1, "s", 60)) for _ in range(2))
    assert first is not None and second is not None and first.id != second.id
    assert (first.account, first.session, first.apps) == (1, "s", [])


def test_the_payload_of_one_token_does_not_go_with_the_signature_of_another(
    issuer: Tokens,
) -> None:
    small, great = issuer.issue(1, "s", 60), issuer.sign(FOREVER)
    forged = f"{great.rpartition('.')[0]}.{small.rpartition('.')[2]}"
    assert issuer.read(forged) is None


def test_a_token_of_another_secret_is_refused(issuer: Tokens, tmp_path: Path) -> None:
    other = tokens_of(tmp_path, "another secret " * 4)
    token = issuer.sign(FOREVER)
    assert other.read(token) is None
    ours, theirs = token.partition("."), other.sign(FOREVER).partition(".")
    assert ours[0] != theirs[0]
    assert issuer.read(ours[0] + "." + theirs[2]) is issuer.read(theirs[0] + "." + ours[2]) is None


def test_a_token_made_before_keys_had_ids_is_read(issuer: Tokens) -> None:
    old = {"scope": "admin", "apps": None, "until": 2**40, "id": "x"}
    assert issuer.read(signed(old)) == FOREVER
    many = old | {"apps": [7] * 200}
    assert signed(many).startswith(".")  # compressed
    assert issuer.read(signed(many)) == Access(2**40, "x", "admin", [7] * 200)


@pytest.mark.parametrize(
    "other",
    [
        {"salt": "something.else"},
        {"signer_kwargs": {"key_derivation": "hmac", "digest_method": hashlib.sha1}},
        {"signer_kwargs": {"key_derivation": "none", "digest_method": hashlib.sha256}},
    ],
)
def test_what_the_secret_signed_for_another_use_is_no_token(
    issuer: Tokens, other: dict[str, Any]
) -> None:
    payload = {"scope": "admin", "apps": None, "until": 2**40, "id": "x"}
    assert issuer.read(signed(payload, **other)) is None


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"scope": "admin", "apps": None, "id": "x"},
        {"scope": "admin", "apps": "all", "until": 2**40, "id": "x"},
        {"scope": "write", "apps": None, "until": 2**40, "id": "x"},
        {"scope": 1, "apps": None, "until": 2**40, "id": "x"},
    ],
)
def test_a_well_signed_payload_of_another_shape_is_refused(issuer: Tokens, payload: Any) -> None:
    assert issuer.read(signed(payload)) is None


@pytest.mark.parametrize("seconds", [0, -1, -86_400])
def test_an_expired_token_is_refused(issuer: Tokens, seconds: int) -> None:
    assert issuer.read(issuer.issue(1, "s", seconds)) is None


def test_a_token_expires_when_its_time_is_over(
    issuer: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.issue(1, "s", 60)
    access = issuer.read(token)
    assert access is not None
    monkeypatch.setattr(tokens.time, "time", lambda: access.until - 0.5)
    assert issuer.read(token) == access
    monkeypatch.setattr(tokens.time, "time", lambda: access.until)
    assert issuer.read(token) is None


@given(st.text() | st.text("ABCabc019-_.") | st.just("é.ü"))
def test_anything_else_is_no_token(issuer: Tokens, text: str) -> None:
    assert issuer.read(text) is None
    assert not issuer.is_csrf("s", text)


# Keys that are replaced.


def test_what_the_keys_before_signed_stays_good_until_they_are_dropped(tmp_path: Path) -> None:
    issuer = tokens_of(tmp_path, KEY)
    old, csrf = issuer.sign(FOREVER), issuer.csrf("s")
    kept = []
    for _ in range(3):
        rotate(tmp_path, keep=2)
        fresh = Tokens(tmp_path)  # as after a restart
        assert fresh.sign(FOREVER) not in (old, *kept)
        kept.append(fresh.sign(FOREVER))
        assert [fresh.read(token) for token in kept] == [FOREVER] * len(kept)
        assert fresh.is_csrf("s", fresh.csrf("s"))
        is_kept = len(kept) < 3
        assert (fresh.read(old) == FOREVER) is fresh.is_csrf("s", csrf) is is_kept


def test_another_process_knows_a_fresh_key_at_once(tmp_path: Path) -> None:
    """Another worker may have signed with it before this one has looked at the file."""
    here, there = tokens_of(tmp_path, KEY), None
    rotate(tmp_path, keep=2)
    there = Tokens(tmp_path)
    assert here.read(there.sign(FOREVER)) == FOREVER
    assert here.sign(FOREVER) == there.sign(FOREVER)


def test_a_page_proves_its_session_and_no_other(issuer: Tokens) -> None:
    assert issuer.is_csrf("s", issuer.csrf("s"))
    assert not issuer.is_csrf("s", issuer.csrf("t"))
    assert not issuer.is_csrf("s", "")
