"""Loguru takes any handler of `logging`; what is bound comes along."""

import os

from loguru import logger

from redlog_client import RedlogHandler

handler = RedlogHandler(os.environ["REDLOG_URL"], os.environ["REDLOG_KEY"])
logger.remove()
logger.add(handler, format=lambda _: "{message}")  # a text would repeat the exception

logger.bind(user_id="u-1", order=7).warning("payment failed, 支付失败")
try:
    raise ValueError("no card")
except ValueError:
    logger.exception("no payment")
