"""gunicorn, run in this very process: one interpreter less to start and to keep."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils import succession
from utils.log import log


def serve(
    folder: Path, data_dir: Path, arguments: list[str], when_ready: Callable[[], None]
) -> None:
    """Run gunicorn in `folder`. Ctrl-C and SIGQUIT end it like SIGTERM, when requests are finished;
    USR2 starts a successor by the same command, or as `succession.replace` orders.
    """
    from gunicorn.app.wsgiapp import WSGIApplication

    command = succession.own_command(folder)

    def ready(server: Any) -> None:
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda _, frame: server.signal(signal.SIGTERM, frame))
        when_ready()

    def pre_exec(server: Any) -> None:
        succession.follow_order(data_dir, server, command)

    class Server(WSGIApplication):  # type: ignore[misc]  # gunicorn has no types
        cfg: Any

        def load_config(self) -> None:
            super().load_config()
            self.cfg.set("when_ready", ready)
            self.cfg.set("pre_exec", pre_exec)

        def reload(self) -> None:
            """A HUP must not end a server because its settings can't be read at the moment."""
            config = self.cfg
            try:
                super().reload()
            except SystemExit:
                log.error("the settings can't be read, so the old ones stay")
                self.cfg = config

    os.chdir(folder)
    sys.argv = ["gunicorn", *arguments]
    Server("%(prog)s [OPTIONS] run:app").run()
