"""Headers on every reply: a reply's own go before ours, and each stands there once."""

from collections.abc import Iterable
from typing import Any

from utils.headers import SAFE, SAFE_BY_TLS, Headers, with_headers


def headers_of(own: Headers, scheme: str = "http") -> Headers:
    """What a reply with these headers is sent with."""
    sent: list[Headers] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", list(own))
        return [b"body"]

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
        assert (status, exc_info) == ("200 OK", None)
        sent.append(headers)

    assert with_headers(application)({"wsgi.url_scheme": scheme}, start_response) == [b"body"]
    return sent[0]


def test_they_follow_those_of_the_reply() -> None:
    own = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert headers_of(own) == own + SAFE
    assert headers_of(own, "https") == own + SAFE_BY_TLS
    assert headers_of([]) == SAFE


def test_a_page_may_have_a_policy_of_its_own() -> None:
    own = [("Content-Security-Policy", "default-src 'self'"), ("Cache-Control", "max-age=60")]
    assert headers_of(own) == own + [pair for pair in SAFE if pair[0] not in dict(own)]
