"""gunicorn, run in this very process: one interpreter less to start and to keep."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def serve(folder: Path, arguments: list[str], when_ready: Callable[[], None]) -> None:
    """Run gunicorn in `folder`; Ctrl-C ends it like SIGTERM, when requests are finished."""
    from gunicorn.app.wsgiapp import WSGIApplication

    def ready(server: Any) -> None:
        signal.signal(signal.SIGINT, lambda number, frame: server.signal(signal.SIGTERM, frame))
        when_ready()

    class Server(WSGIApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            super().load_config()
            self.cfg.set("when_ready", ready)

    os.chdir(folder)
    sys.argv = ["gunicorn", *arguments]
    Server("%(prog)s [OPTIONS] run:app").run()
