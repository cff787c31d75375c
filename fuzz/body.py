"""Feeds damaged bodies to the decoder, as a phone would report and as the writer would store them.

`python fuzz/body.py 180` looks for three minutes; it needs atheris, which `./test.sh --security`
installs. Whatever comes is stored or refused by a problem reply: anything else ends it, prints the
body and leaves it in a file that `python fuzz/body.py FILE` tries again.
"""

import gzip
import sys
import tempfile
import zlib
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
with atheris.instrument_imports(include=["database", "service", "utils"]):
    from database.rows import WIDTH, decode, make_rows
    from exceptions import Problem
    from service import clean as clean  # which the decoder imports only when it needs it
    from service.batch import decode_batch
    from utils.body import inflate
    from utils.record import dumps

LIMIT, MAX_RECORDS, RECEIVED = 2**16, 100, 1_795_000_000_000_000
ENCODINGS = ["", "gzip", "deflate", "br", "zstd", "gzip, deflate"]
LINES = 0x80  # in the first byte of what is tried; the rest of it chooses the encoding
BODIES = [
    b'{"message": "m"}',
    b'[{"message": "m", "level": "WARN", "time": "2026-11-20T10:00:00Z", "seq": 1, "x": [{}]}]',
    b'{"message": "a", "time": 1795168800123}\n{"message": 1}\n{"message": "b\\u0000\\ud800"}\n',
    b'{"batch_id": "b", "sent_at": "2026-11-20T10:00:00.123Z", "context": {"device_id": "d", '
    b'"attributes": {"a": 1}}, "logs": [{"message": "m", "attributes": {"b": null}, '
    b'"exception": {"type": "E", "value": "v", "stacktrace": ["f", {"line": 1}]}}]}',
]


def feed(data: bytes) -> None:
    """Report one body and, if it is accepted, make the rows of it."""
    choice, body = (data[0], data[1:]) if data else (0, b"")
    try:
        inflated = inflate(body, ENCODINGS[(choice & ~LINES) % len(ENCODINGS)], LIMIT)
        batch = decode_batch(inflated, bool(choice & LINES), MAX_RECORDS)
    except Problem:
        return
    rows = make_rows(1, RECEIVED, decode(batch.form, batch.payload))
    assert len(rows) == batch.count * WIDTH
    dumps(rows)  # every value is one that can be written


def write_seeds(folder: Path) -> None:
    """What it begins with: each body plain, by lines, and packed."""
    for number, body in enumerate(BODIES):
        packed = (body, gzip.compress(body), zlib.compress(body))
        for choice, data in [*enumerate(packed), (LINES, body)]:
            (folder / f"{number}-{choice}").write_bytes(bytes([choice]) + data)


def main() -> None:
    """Look for as many seconds as are given, or try one file again."""
    given = sys.argv[1] if len(sys.argv) > 1 else "60"
    with tempfile.TemporaryDirectory() as seeds:
        write_seeds(Path(seeds))
        where = [f"-max_total_time={given}", seeds] if given.isdecimal() else [given]
        found = f"-artifact_prefix={tempfile.gettempdir()}/"
        atheris.Setup([sys.argv[0], "-max_len=4096", "-timeout=10", found, *where], feed)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
