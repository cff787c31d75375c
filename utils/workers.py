"""gunicorn's workers, mended where they would not end as the server promises.

Seen with gunicorn 27.0.1 and meinheld 1.0.2; `test_case/fault/` shows what happens without.
"""

import os
import signal
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from types import FrameType, TracebackType
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http import errors, get_parser
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import TConn, ThreadWorker

from utils.headers import last_reply
from utils.paced import Application, paced
from utils.patience import Patience

LOOK_SECONDS = 0.5
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
LINGER_SECONDS = 2  # for a request on a connection kept alive, as gthread has it
REFUSALS = {  # others are a 400
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}


def begin_forks_anew() -> None:
    """Let no fork of this process hear a signal by its parent's handlers.

    They would swallow the one that ends a server that has only just begun, until the worker has its
    own; the master would wait for it in vain.
    """

    def begin() -> None:
        for number in ENDS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ENDS),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS),
        after_in_child=begin,
    )


def end_with_master(master: int) -> None:
    """Let this worker end as by SIGTERM soon after its master was killed.

    By themselves both classes go on to serve the connections that they have, for half a minute,
    and hold the port against a new master.
    """

    def watch() -> None:
        while os.getppid() == master:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="master-watch", daemon=True).start()


class Gthread(ThreadWorker):  # type: ignore[misc]  # it has no types
    """gunicorn's threads, none of which a client can hold for long by sending slowly.

    By itself gunicorn waits for ever for the rest of a request whose first byte has come.
    """

    client_seconds: float

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.busy: set[Patience] = set()

    def enqueue_req(self, conn: TConn) -> None:
        """In the main thread, for each request."""
        if conn.parser is None and not self.cfg.is_ssl:
            conn.parser = get_parser(
                self.cfg, Patience(conn.sock, self.client_seconds), conn.client
            )
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        """In a thread: from a request's first byte to the end of the reply."""
        if conn.parser is None:
            return super().handle(conn)
        source: Patience = conn.parser.unreader.sock
        source.begin()
        self.busy.add(source)
        try:
            return super().handle(conn)
        finally:
            self.busy.discard(source)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """In the main thread, when a thread is done with a connection."""
        if conn.sock.fileno() < 0:  # it is somebody else's now (`utils.event_stream`)
            self.nr_conns -= 1
        else:
            super().finish_request(conn, fs)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """What is no HTTP is refused without a word of it in the reply or the log: its headers
        may hold a key.
        """
        what = type(exc).__name__
        if isinstance(exc, errors.ParseException):
            self.log.warning("%s sent a malformed request: %s", addr and addr[0], what)
        else:
            self.log.error("a request failed", exc_info=exc)
        with suppress(OSError):
            write_nonblock(client, last_reply(status_of(exc)))

    def murder_pending(self) -> None:
        """In the main thread, every second."""
        super().murder_pending()
        for source in tuple(self.busy):
            source.end_if_lost()


def gthread_worker(client_seconds: float) -> type:
    """A class of workers that wait so long for a request."""
    return type("Gthread", (Gthread,), {"client_seconds": client_seconds})


def status_of(error: Exception) -> HTTPStatus:
    """With what gunicorn's failure to read a request is answered."""
    if not isinstance(error, errors.ParseException):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return REFUSALS.get(type(error), HTTPStatus.BAD_REQUEST)


def meinheld_worker() -> type:
    """One request at a time. Raises ImportError where meinheld is not installed."""
    from meinheld import server
    from meinheld.gmeinheld import MeinheldWorker

    class Meinheld(MeinheldWorker):  # type: ignore[misc]  # it has no types
        wsgi: Application

        def __init__(self, *arguments: Any) -> None:
            # It would replace methods of the master's log by ones that fail when they are used.
            methods = Logger.access, Logger.error
            super().__init__(*arguments)
            Logger.access, Logger.error = methods
            self.timeout = 0  # for which it serves old connections when its master is gone
            server.set_error_logger(MeinheldLog(self.log))
            if self.cfg.accesslog is not None:
                server.set_access_logger(MeinheldLog(self.log))

        def load_wsgi(self) -> None:
            super().load_wsgi()
            self.wsgi = paced(self.wsgi)

        def init_signals(self) -> None:
            # While it runs, a handler of its own takes SIGTERM: it cuts all connections a second
            # later, although it goes on to promise that they are kept alive.
            super().init_signals()
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # and in threads to come
            threading.Thread(target=self.end_politely, name="end", daemon=True).start()

        def end_politely(self) -> None:
            """Wait for SIGTERM; then say with each reply that it is its connection's last."""
            signal.sigwait({signal.SIGTERM})
            self.handle_exit(signal.SIGTERM, None)

        def handle_exit(self, number: int, frame: FrameType | None) -> None:
            server.set_keepalive(0)
            server.stop(LINGER_SECONDS)

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
