"""Where an ingest key may stand in a request, and what it looks like there.

Clients of other protocols put it where their protocol has a place for a secret. What does not look
like a key of ours is none: a client that can change nothing but its URL goes on sending the
credentials of the server that it knew.
"""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PATH = "/k/"
HIDDEN = "-"  # stands for the key in a path wherever the path is seen
KEY_IN_PATH = "redlog.key"  # of the WSGI environment
KEY = re.compile("rlk_[0-9A-Za-z_]+")
_ENCODED = ("basic", "apikey")  # schemes whose credentials are base64 of `name:secret`


def hide_key_in_path(environ: dict[str, Any]) -> None:
    """Take the key out of a path `/k/<ingest key>/…`: paths stand in logs, and keys must not."""
    _, _, rest = environ["PATH_INFO"].partition(PATH)
    key, slash, rest = rest.partition("/")
    environ[KEY_IN_PATH] = key
    environ["PATH_INFO"] = PATH + HIDDEN + slash + rest


def keys_in(
    environ: Mapping[str, Any],
    headers: Iterable[str],
    query: Mapping[str, str],
    names: tuple[str, ...],
) -> Iterator[str]:
    """The keys in the path, in `Authorization`, in `X-Redlog-Key` and in these headers (as WSGI
    names them), and in these parameters of the query besides `key`.
    """
    scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() in _ENCODED:
        credentials = _decoded(credentials)
    places = [environ.get(name, "") for name in (KEY_IN_PATH, "HTTP_X_REDLOG_KEY", *headers)]
    places += [credentials, *(query.get(name, "") for name in ("key", *names))]
    for place in places:
        yield from KEY.findall(place)


def _decoded(credentials: str) -> str:
    """What base64 holds, or the text itself: some clients do not encode it."""
    try:
        return b64decode(credentials + "==").decode()
    except ValueError:
        return credentials
