"""Where ingest keys are found, and that paths do not show them."""

from base64 import b64encode
from typing import Any

import pytest

from utils.ingest_key import hide_key_in_path, keys_in

KEY = "rlk_0123456789abcdef"


def found(query: dict[str, str] | None = None, **environ: str) -> set[str]:
    return set(keys_in(environ, ["HTTP_X_API_KEY"], query or {}, ("token",)))


def basic(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {KEY}",
        f"bearer  {KEY}",
        f"Splunk {KEY}",
        f"Sentry sentry_version=7, sentry_key={KEY}, sentry_client=a/1",
        f"Basic {basic(f'me:{KEY}')}",
        f"BASIC {basic(f'{KEY}:')}",
        f"Basic {basic(f'me:{KEY}').rstrip('=')}",
        f"ApiKey {basic(f'id:{KEY}')}",
        f"ApiKey {KEY}",
    ],
)
def test_every_scheme_of_authorization_is_read(authorization: str) -> None:
    assert found(HTTP_AUTHORIZATION=authorization) == {KEY}


def test_its_own_places_are_read_and_no_others() -> None:
    assert found(HTTP_X_API_KEY=KEY) == found({"token": KEY}) == found({"key": KEY}) == {KEY}
    assert found({"other": KEY}, HTTP_X_OTHER=KEY) == set()


@pytest.mark.parametrize(
    "authorization", ["", "Basic", "Basic %%%", f"Basic {basic('glc:secret')}", "Bearer eyJhbGc"]
)
def test_what_is_no_key_of_ours_is_none(authorization: str) -> None:
    assert found(HTTP_AUTHORIZATION=authorization) == set()


def test_several_keys_are_all_told() -> None:
    assert found({"key": f"{KEY}0"}, HTTP_X_REDLOG_KEY=KEY) == {KEY, f"{KEY}0"}


@pytest.mark.parametrize(
    ("path", "hidden", "key"),
    [
        (f"/k/{KEY}/gelf", "/k/-/gelf", KEY),
        (f"/k/{KEY}", "/k/-", KEY),
        ("/k/", "/k/-", ""),
        ("/k//gelf", "/k/-/gelf", ""),
        (f"/k/{KEY}/k/x", "/k/-/k/x", KEY),
    ],
)
def test_a_key_leaves_the_path_before_anybody_sees_it(path: str, hidden: str, key: str) -> None:
    environ: dict[str, Any] = {"PATH_INFO": path}
    hide_key_in_path(environ)
    assert environ == {"PATH_INFO": hidden, "redlog.key": key}
    assert set(keys_in(environ, [], {}, ())) == ({key} if key else set())
