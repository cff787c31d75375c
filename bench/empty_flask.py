"""The reference for an acknowledgement: a Flask route that does nothing."""

from flask import Flask

app = Flask("empty")


@app.post("/api/v1/logs")
def report_logs() -> str:
    """Accept anything, keep nothing."""
    return "{}"


@app.get("/healthz")
def health() -> str:
    """Alive."""
    return "{}"
