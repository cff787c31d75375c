"""What the routes say of who is let in."""

import json
import os
import subprocess
import sys
from pathlib import Path

from started import ROOT

LISTING = """
import json
from __init__ import app

views = app.view_functions
print(json.dumps({
    f"{method} {rule.rule}": getattr(views[rule.endpoint], "decision", None)
    for rule in app.url_map.iter_rules()
    for method in rule.methods - {"HEAD", "OPTIONS"}
}))
"""


def decisions(data: Path) -> dict[str, str | None]:
    """The decision of each method of each route, as a process of its own sees it."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "REDLOG_DATA_DIR": str(data), "REDLOG_SERVER__ROLE": "all"},
    )
    return dict(json.loads(done.stdout))
