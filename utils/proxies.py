"""The client's own address behind proxies, told only by those that the operator trusts."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

from exceptions import StartError

Network = IPv4Network | IPv6Network
MAX_HOPS = 8


def behind_proxies(application: Any, trusted: list[str]) -> Any:
    """The same WSGI application, for which trusted proxies have stated client and scheme.

    Werkzeug's ProxyFix believes a number of hops whoever sends them; here only those hops are
    counted whose own address is trusted. Raises StartError.
    """
    if not trusted:
        return application
    networks = _networks(trusted)
    fixed = [
        ProxyFix(application, x_for=hops, x_proto=1, x_host=0) for hops in range(1, MAX_HOPS + 1)
    ]

    @lru_cache(maxsize=4096)
    def is_trusted(address: str) -> bool:
        try:
            known = ip_address(address.strip())
        except ValueError:
            return False
        known = getattr(known, "ipv4_mapped", None) or known
        return any(known in network for network in networks)

    def reply(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not is_trusted(environ.get("REMOTE_ADDR", "")):
            return application(environ, start_response)  # type: ignore[no-any-return]
        hops = _hops(environ.get("HTTP_X_FORWARDED_FOR", ""), is_trusted)
        return fixed[hops - 1](environ, start_response)

    return reply


def _hops(forwarded: str, is_trusted: Any) -> int:
    """How many of the listed addresses were written by trusted proxies; the last of them is the
    client's.
    """
    addresses = forwarded.split(",")
    hops = 1
    while hops < min(len(addresses), MAX_HOPS) and is_trusted(addresses[-hops]):
        hops += 1
    return hops


def _networks(trusted: list[str]) -> list[Network]:
    try:
        return [ip_network(each, strict=False) for each in trusted]
    except ValueError as error:
        raise StartError(f"setting server.trusted_proxies: {error}") from None
