"""Access tokens: what a forger tries, and the secret behind them."""

import hashlib
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer
from started import ROOT

from exceptions import StartError
from utils import tokens
from utils.principal import Scope
from utils.tokens import Access, Tokens, load_secret

ISSUER = Tokens("the secret")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


@given(
    st.sampled_from(["read", "admin"]),
    st.none() | st.lists(st.integers(1, 2**31)),
    st.integers(60, 10**9),
)
def test_what_was_issued_is_read_back(scope: Scope, apps: list[int] | None, seconds: int) -> None:
    access = ISSUER.read(ISSUER.issue(scope, apps, seconds))
    assert access is not None
    assert (access.scope, access.apps) == (scope, apps)


def test_two_tokens_of_the_same_rights_are_told_apart() -> None:
    first, second = (ISSUER.read(ISSUER.issue("read", None, 60)) for _ in range(2))
    assert first is not None and second is not None and first.id != second.id


def test_a_token_changed_at_any_place_is_refused() -> None:
    token = ISSUER.issue("read", [1], 60)
    payload, _, signature = token.rpartition(".")
    for at, letter in enumerate(token[:-1]):  # the last letter has bits that mean nothing
        other = "A" if letter != "A" else "B"
        assert ISSUER.read(token[:at] + other + token[at + 1 :]) is None
    assert ISSUER.read(payload) is None
    assert ISSUER.read(f"{payload}.") is None
    assert ISSUER.read(f".{signature}") is None
    assert ISSUER.read(token + "A") is None


def test_the_payload_of_one_token_does_not_go_with_the_signature_of_another() -> None:
    small, great = ISSUER.issue("read", [1], 60), ISSUER.issue("admin", None, 60)
    forged = f"{great.rpartition('.')[0]}.{small.rpartition('.')[2]}"
    assert ISSUER.read(forged) is None


def test_a_token_of_another_secret_is_refused() -> None:
    assert Tokens("another secret").read(ISSUER.issue("admin", None, 60)) is None


@pytest.mark.parametrize(
    "other",
    [
        {"salt": "something.else"},
        {"signer_kwargs": {"key_derivation": "hmac", "digest_method": hashlib.sha1}},
        {"signer_kwargs": {"key_derivation": "none", "digest_method": hashlib.sha256}},
    ],
)
def test_what_the_secret_signed_for_another_use_is_no_token(other: dict[str, Any]) -> None:
    ours: dict[str, Any] = {
        "salt": "redlog.access-token",
        "signer_kwargs": {"key_derivation": "hmac", "digest_method": hashlib.sha256},
    }
    payload = {"scope": "admin", "apps": None, "until": 2**40, "id": "x"}
    assert ISSUER.read(signed(payload, ours)) == Access("admin", None, 2**40, "x")
    assert ISSUER.read(signed(payload, ours | other)) is None


def signed(payload: Any, options: dict[str, Any]) -> str:
    return str(URLSafeSerializer("the secret", **options).dumps(payload))


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
def test_a_well_signed_payload_of_another_shape_is_refused(payload: Any) -> None:
    ours = {
        "salt": "redlog.access-token",
        "signer_kwargs": {"key_derivation": "hmac", "digest_method": hashlib.sha256},
    }
    assert ISSUER.read(signed(payload, ours)) is None


@pytest.mark.parametrize("seconds", [0, -1, -86_400])
def test_an_expired_token_is_refused(seconds: int) -> None:
    assert ISSUER.read(ISSUER.issue("read", None, seconds)) is None


def test_a_token_expires_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    token = ISSUER.issue("read", None, 60)
    access = ISSUER.read(token)
    assert access is not None
    monkeypatch.setattr(tokens.time, "time", lambda: access.until - 0.5)
    assert ISSUER.read(token) == access
    monkeypatch.setattr(tokens.time, "time", lambda: access.until)
    assert ISSUER.read(token) is None


@given(st.text() | st.text(alphabet=ALPHABET) | st.just("é.ü"))
def test_anything_else_is_no_token(text: str) -> None:
    assert ISSUER.read(text) is None


# The secret.


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        secret = load_secret(tmp_path)
    finally:
        os.umask(umask)
    file = tmp_path / "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(bytes.fromhex(secret)) == 32
    assert load_secret(tmp_path) == secret == file.read_text().strip()
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_every_installation_has_a_secret_of_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    assert load_secret(folders[0]) != load_secret(folders[1])


def test_first_starts_side_by_side_agree_on_one_secret(tmp_path: Path) -> None:
    code = "import sys, pathlib, utils.tokens as t; print(t.load_secret(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with ThreadPoolExecutor(6) as pool:
        jobs = [
            pool.submit(subprocess.run, command, cwd=ROOT, capture_output=True, check=True)
            for _ in range(6)
        ]
        secrets = {job.result().stdout.strip() for job in jobs}
    assert secrets == {(tmp_path / "secret").read_bytes().strip()}
    assert len(secrets.pop()) == 64


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n"])
def test_a_secret_that_was_cut_short_stops_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(StartError, match="secret"):
        load_secret(tmp_path)
    assert (tmp_path / "secret").read_bytes() == content
