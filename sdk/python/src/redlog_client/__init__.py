"""Sends Python's logs to a RedLog server: batches with ids, retried until there is a receipt."""

from redlog_client.handler import RedlogHandler

__all__ = ["RedlogHandler"]
__version__ = "0.1.0"
