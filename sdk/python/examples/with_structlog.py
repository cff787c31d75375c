"""structlog hands its events to `logging`, their members as `extra`."""

import logging
import os

import structlog

from redlog_client import RedlogHandler

handler = RedlogHandler(os.environ["REDLOG_URL"], os.environ["REDLOG_KEY"])
logging.basicConfig(level=logging.INFO, handlers=[handler])
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.render_to_log_kwargs,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)

log = structlog.get_logger("shop")
structlog.contextvars.bind_contextvars(user_id="u-1")
log.warning("payment failed, 支付失败", order=7)
try:
    raise ValueError("no card")
except ValueError:
    log.exception("no payment")
