"""The session of a page in cookies: kept from scripts, other sites and plain HTTP.

Behind TLS their names begin with `__Host-`: then browsers take them from this host only, by TLS
only, so that no neighbour under the same domain can plant one (RFC 6265bis, section 4.1.3).
"""

from urllib.parse import urlsplit

from flask import Response, request

from exceptions import BadCsrf

ACCESS, REFRESH = "redlog_access", "redlog_refresh"
CSRF_HEADER = "X-Redlog-CSRF"
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


def read_cookie(name: str) -> str:
    """A cookie of ours; empty: there is none."""
    return request.cookies.get(_full(name), "")


def set_cookie(
    response: Response, name: str, value: str, seconds: int, samesite: str = "Strict"
) -> None:
    """Give the page a cookie of ours, or with 0 seconds take it away."""
    response.set_cookie(
        _full(name),
        value,
        max_age=seconds,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite=samesite,
    )


def demand_own_origin() -> None:
    """Raises BadCsrf when a page of another origin sent this request.

    Browsers say so in Sec-Fetch-Site, which no script can set; older ones by Origin alone.
    """
    origin = request.headers.get("Origin")
    if origin is None or request.headers.get("Sec-Fetch-Site") == "same-origin":
        return
    if urlsplit(origin).netloc != request.host:
        raise BadCsrf("a page of another origin can't use the cookies of this one")


def _full(name: str) -> str:
    return f"__Host-{name}" if request.is_secure else name
