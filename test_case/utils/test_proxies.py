"""Whose word on the client's address is taken."""

from collections.abc import Iterable
from typing import Any

import pytest

from exceptions import StartError
from utils.proxies import MAX_HOPS, behind_proxies


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    yield f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']}".encode()


def seen(trusted: list[str], peer: str, **headers: str) -> str:
    """What the application sees of a request that came from `peer`."""
    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", **headers}
    return b"".join(behind_proxies(application, trusted)(environ, None)).decode()


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ([], "10.0.0.1", "1.2.3.4", "10.0.0.1"),
        (["10.0.0.1"], "10.0.0.1", "1.2.3.4", "1.2.3.4"),
        (["10.0.0.0/8"], "10.9.9.9", "1.2.3.4", "1.2.3.4"),
        (["10.0.0.1"], "10.0.0.2", "1.2.3.4", "10.0.0.2"),  # from beside the proxy
        (["10.0.0.1"], "10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),  # the client's own addition
        (["10.0.0.0/24"], "10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        (["10.0.0.0/24"], "10.0.0.1", "10.0.0.3", "10.0.0.3"),  # a client of our own network
        (["10.0.0.1"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.1"], "10.0.0.1", "nonsense, 1.2.3.4", "1.2.3.4"),
        (["10.0.0.1"], "::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        (["fd00::/8"], "fd00::1", "2001:db8::7", "2001:db8::7"),
        (["10.0.0.1"], "", "1.2.3.4", ""),
    ],
)
def test_only_trusted_proxies_say_who_the_client_is(
    trusted: list[str], peer: str, forwarded: str, client: str
) -> None:
    assert seen(trusted, peer, HTTP_X_FORWARDED_FOR=forwarded) == f"{client} http"


def test_the_scheme_comes_along() -> None:
    headers = {"HTTP_X_FORWARDED_FOR": "1.2.3.4", "HTTP_X_FORWARDED_PROTO": "https"}
    assert seen(["10.0.0.1"], "10.0.0.1", **headers) == "1.2.3.4 https"
    assert seen(["10.0.0.1"], "10.0.0.2", **headers) == "10.0.0.2 http"


def test_a_long_chain_is_followed_to_its_bound() -> None:
    chain = ", ".join(f"10.0.0.{number}" for number in range(100))
    assert seen(["10.0.0.0/24"], "10.0.0.1", HTTP_X_FORWARDED_FOR=chain) == (
        f"10.0.0.{100 - MAX_HOPS} http"
    )


def test_a_network_that_is_none_stops_the_start() -> None:
    with pytest.raises(StartError, match=r"server\.trusted_proxies: 'my proxy'"):
        behind_proxies(application, ["my proxy"])
