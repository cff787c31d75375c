"""Mends meinheld 1.0.2 before it is built: `python mend_meinheld.py FOLDER-OF-ITS-SOURCES`.

Each mend is (file, text that stands there, text instead, why).
"""

import sys
from pathlib import Path

MENDS = [
    (
        "meinheld.h",
        '#define SERVER "meinheld/1.0.2"',
        '#define SERVER "meinheld"',
        "its version stood in every reply",
    ),
    (
        "http_request_parser.c",
        '  /* DEBUG("field key:%.*s", (int)len, buf); */\n',
        "  if (p->flags & F_TRAILING) {\n    req->bad_request_code = 400;\n    return -1;\n  }\n",
        "a chunked body with trailers ended the worker (SIGSEGV)",
    ),
    (
        "server.c",
        '  PyErr_SetString(PyExc_IOError, "unknow protocol");\n',
        "",
        "after a request to change the protocol, somebody else's next request failed",
    ),
]


def main(folder: Path) -> None:
    """Change the sources in place; fails when they are not the ones that were looked at."""
    for name, before, after, why in MENDS:
        file = folder / "meinheld" / "server" / name
        source = file.read_text("utf-8")
        if source.count(before) != 1:
            sys.exit(f"{file} is not the one that this mends: {why}")
        file.write_text(source.replace(before, after), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
