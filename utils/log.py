"""RedLog's own log: one logger, lines on standard error. It never holds a key, token or record."""

import logging
import sys

log = logging.getLogger("redlog")


def set_up_log(level: str) -> None:
    """Write the log from `level` up to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(message)s"))
    log.handlers[:] = [handler]
    log.setLevel(level.upper())
    log.propagate = False
