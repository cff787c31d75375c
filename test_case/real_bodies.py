"""What real clients sent in a run of test_case/clients/record.py."""

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from started import ROOT

from service.adapter.wire import Bad, Reply, Sent
from service.adapters import ADAPTERS, module_of

FOLDER = ROOT / "test_case" / "data" / "clients"


class Body(NamedTuple):
    """A request: the adapter that reads it, its path without a key, headers in lower case."""

    adapter: str
    path: str
    headers: dict[str, str]
    body: str


def records_of(body: Body) -> list[Any]:
    """What the adapter makes of it."""
    adapter = next(each for each in ADAPTERS if each.module == body.adapter)
    path, _, query = body.path.partition("?")
    sent = Sent(
        body.body.encode(),
        path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=body.headers,
        address="192.0.2.7",
    )
    made = module_of(adapter).read(sent)
    assert not isinstance(made, Reply)
    records = [each._asdict() if isinstance(each, Bad) else each for each in made.records]
    return list(json.loads(json.dumps(records)))
