"""The parameters of queries of records, described as JSON Schema."""

from typing import Any

from service.parameters import DEFAULT_LIMIT, FACETS, FORMATS, KINDS, MAX_LIMIT, TEXT_FILTERS
from utils.level import NAMES

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_LEVEL: Schema = {"anyOf": [{"enum": NAMES}, {"type": "integer", "minimum": 1, "maximum": 24}]}
_MOMENT: Schema = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": "^(now|-[0-9]{1,9}[smhdw])$"},
    ]
}
_LENGTH: Schema = {"type": "string", "pattern": "^[1-9][0-9]{0,4}[smhd]?$"}

# Name: what it is for, and its schema.
FILTERS: dict[str, tuple[str, Schema]] = {
    "app": ("The id of an app.", {"type": "integer", "minimum": 1, "maximum": 2**31}),
    "from": ("From this time on: RFC 3339, a Unix time or, from now, `-15m`.", _MOMENT),
    "to": ("Before this time.", _MOMENT),
    "level": ("One level or several, with commas between them.", _LEVEL),
    "min_level": ("This level and those above; not together with `level`.", _LEVEL),
    "q": ("What to look for, in the query language.", _TEXT),
    "untrusted": (
        "Records from an origin or package that the app does not name: only these, or none.",
        {"enum": ["only", "hide"]},
    ),
    **{name: (f"The record's `{name}`.", _TEXT) for name in sorted(TEXT_FILTERS)},
}
OPTIONS: dict[str, tuple[str, Schema]] = {
    "limit": (
        "The most that a page or list holds.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
    "order": ("`newest` or `oldest` first.", {"enum": ["newest", "oldest"], "default": "newest"}),
    "cursor": ("`next_cursor` of the page before.", _TEXT),
    "interval": ("The length of a bucket: `60`, `5m`, `1h`, `1d`.", _LENGTH),
    "by": (
        "What is counted apart: but for levels the ten most frequent values.",
        {"enum": KINDS, "default": "level"},
    ),
    "format": ("Lines of JSON, or a table.", {"enum": FORMATS, "default": "ndjson"}),
    "tz": ("The time zone of the times in a table, as `Asia/Shanghai`; without it UTC.", _TEXT),
    "last_event_id": ("The `id` of the last event, as the header Last-Event-ID tells it.", _TEXT),
    "field": (
        "Whose values are counted: "
        f"{', '.join(f'`{name}`' for name in sorted(FACETS))} or `attr.<path>`.",
        _TEXT,
    ),
}


def query_schema(options: frozenset[str]) -> dict[str, tuple[str, Schema]]:
    """The filters, and those of the options that a route takes."""
    return FILTERS | {name: OPTIONS[name] for name in OPTIONS if name in options}
