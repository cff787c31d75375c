"""gunicorn's configuration. A name that is a setting of gunicorn is that setting."""

from pathlib import Path
from typing import Any

from utils.metrics import forget_metrics
from utils.settings import load_settings
from utils.succession import forget_ready, tell_ready
from utils.workers import begin_forks_anew, end_with_master, gthread_worker, meinheld_worker

_settings = load_settings(Path(__file__).resolve().parent / "setting.yaml")
_server = _settings.server

bind = f"{_server.host}:{_server.port}"
workers = _server.workers
threads = _server.threads
worker_class = (
    meinheld_worker()
    if _server.worker_class == "meinheld"
    else gthread_worker(_server.client_seconds)
)
worker_connections = 1024
keepalive = 75  # longer than a proxy keeps idle connections
timeout = 60
limit_request_line, limit_request_fields, limit_request_field_size = 8190, 64, 8190
forwarded_allow_ips = ""  # who may speak for a client is settled in utils/proxies.py
# Requests finish, then the writer drains.
graceful_timeout = _server.grace_seconds + _settings.writer.stop_seconds + 5
BACKGROUND_SECONDS = 3  # of those five
preload_app = True  # read and checked once, shared by the workers
pidfile = str(_settings.data_path / "redlog.pid")
# Its own debug log shows paths, in which keys may stand.
loglevel = "info" if _server.log_level == "debug" else _server.log_level
accesslog = None
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms'  # no query: it may hold a key
control_socket_disable = True
proc_name = "redlog"


def on_starting(server: Any) -> None:
    """In the master, before any worker; a successor goes on with the counts of the old master."""
    begin_forks_anew()
    if not server.master_pid:
        forget_metrics(_settings.data_path)


def post_fork(server: Any, worker: Any) -> None:
    """In the worker, right after the fork: what the master opened belongs to the master."""
    from __init__ import engine

    engine.dispose(close=False)


def post_worker_init(worker: Any) -> None:
    """In the worker, when the application is loaded: threads begin here, as a fork loses them."""
    import gc
    import signal
    import sys

    from __init__ import in_background, journal, redis_bus, settings, writer

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is for the master
    end_with_master(worker.ppid)
    gc.freeze()  # what was loaded before the fork is never garbage, and stays shared
    sys.setswitchinterval(0.001)  # requests and the writer take turns more often
    if settings.server.worker_class == "meinheld":
        from meinheld import server as meinheld

        meinheld.set_max_content_length(settings.ingest.max_body_bytes + 2**20)
    journal.start()
    redis_bus.start()
    in_background.start()
    if settings.writer.enabled:
        writer.start()
    tell_ready(settings.data_path, worker.ppid, bind)


def on_exit(server: Any) -> None:
    """In the master, when all its workers are gone."""
    forget_ready(_settings.data_path, server.pid)


def worker_exit(server: Any, worker: Any) -> None:
    """In the worker, when its requests are done: drain, and leave the rest in the journal."""
    from __init__ import in_background, journal, live_tail, redis_bus, settings, writer

    live_tail.stop()
    journal.stop()
    in_background.stop(BACKGROUND_SECONDS)
    writer.stop(settings.writer.stop_seconds, journal.segments)
    redis_bus.stop()  # the writer tells of what it stores to the end
