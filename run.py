"""`run:app` is what gunicorn serves; `python run.py` is the debug server."""

from __init__ import app

if __name__ == "__main__":
    from manage import cli

    cli(["debug-server"])

__all__ = ["app"]
