"""gunicorn's workers, mended where they would not stop as the server promises.

Both were seen with gunicorn 27.0.1 and meinheld 1.0.2; `test_case/fault/` shows what happens
without.
"""

from types import FrameType, TracebackType
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker


class GthreadWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Several requests at a time, a thread each."""

    def is_parent_alive(self) -> bool:
        """Whether the master lives; without it this worker closes its connections and ends.

        gunicorn's own ends only when no client uses a kept-alive connection any more, and holds
        the port meanwhile.
        """
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)


def meinheld_worker() -> type:
    """One request at a time. Raises ImportError where meinheld is not installed."""
    from meinheld import server
    from meinheld.gmeinheld import MeinheldWorker

    class Meinheld(MeinheldWorker):  # type: ignore[misc]  # nor has meinheld
        def __init__(self, *arguments: Any) -> None:
            # It would replace methods of the master's log by ones that fail when they are used.
            methods = Logger.access, Logger.error
            super().__init__(*arguments)
            Logger.access, Logger.error = methods
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
