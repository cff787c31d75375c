"""gunicorn's workers, mended where they would not end as the server promises.

Seen with gunicorn 27.0.1 and meinheld 1.0.2; `test_case/fault/` shows what happens without.
"""

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from gunicorn.glogging import Logger

LOOK_SECONDS = 0.5


def end_with_master(master: int) -> None:
    """Let this worker end as by SIGTERM soon after its master was killed.

    By themselves both classes go on to serve the connections that they have, for half a minute,
    and hold the port against a new master.
    """

    def watch() -> None:
        while os.getppid() == master:
            time.sleep(LOOK_SECONDS)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    threading.Thread(target=watch, name="master-watch", daemon=True).start()


def meinheld_worker() -> type:
    """One request at a time. Raises ImportError where meinheld is not installed."""
    from meinheld import server
    from meinheld.gmeinheld import MeinheldWorker

    class Meinheld(MeinheldWorker):  # type: ignore[misc]  # it has no types
        def __init__(self, *arguments: Any) -> None:
            # It would replace methods of the master's log by ones that fail when they are used.
            methods = Logger.access, Logger.error
            super().__init__(*arguments)
            Logger.access, Logger.error = methods
            self.timeout = 0  # for which it serves old connections when its master is gone
            server.set_error_logger(MeinheldLog(self.log))
            if self.cfg.accesslog is not None:
                server.set_access_logger(MeinheldLog(self.log))

        def handle_exit(self, number: int, frame: FrameType | None) -> None:
            server.stop()  # and no SystemExit into the request that is being answered

        handle_quit = handle_exit

    return Meinheld


class MeinheldLog:
    """What meinheld calls, brought into gunicorn's log."""

    def __init__(self, log: Logger) -> None:
        self.log = log

    def error(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """A failure in the application or the server."""
        self.log.error("a request failed", exc_info=(kind, error, trace))

    def access(self, environ: dict[str, Any]) -> None:
        """A request that was answered."""
        self.log.access_log.info(
            '%s [%s] "%s %s" %s %s -',
            environ.get("REMOTE_ADDR", "-"),
            environ.get("LOCAL_TIME", "-"),
            environ.get("REQUEST_METHOD", "-"),
            environ.get("PATH_INFO", "-"),
            environ.get("STATUS_CODE", "-"),
            environ.get("SEND_BYTES", "-"),
        )
