"""The one door through which failures leave: `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from exceptions import Problem, StoreAway
from utils.log import log
from utils.record import dumps
from utils.wording import in_chinese, preferred


def problem_reply(error: Exception) -> Response:
    """Any exception as a problem reply."""
    if isinstance(error, HTTPException):
        return _of_werkzeug(error)
    problem = problem_of(error)
    title, detail = problem.title, problem.detail
    if preferred(request) == "zh":
        title, detail = in_chinese(title), in_chinese(problem.said)
    body = {"code": problem.code, "title": title, "detail": detail, **problem.members}
    return _reply(problem.status, body, {"Vary": "Accept-Language", **problem.headers})


def problem_of(error: Exception) -> Problem:
    """What a client is told of an exception. What is not ours to tell stays in the log."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, SQLAlchemyError):
        log.warning("%s %s: no database (%s)", request.method, request.path, type(error).__name__)
        return StoreAway("the database does not answer")
    log.exception("%s %s failed", request.method, request.path)
    return Problem()


def _of_werkzeug(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    body = {"code": status.name.lower(), "title": status.phrase, "detail": error.description or ""}
    headers = {
        name: value
        for name, value in error.get_headers()
        if name in ("Allow", "Location", "Retry-After")
    }
    return _reply(status, body, headers)


def _reply(status: int, body: Mapping[str, object], headers: dict[str, str]) -> Response:
    problem = {"type": "about:blank", "status": int(status), "detail": "", **body}
    return Response(dumps(problem), status, headers, content_type="application/problem+json")
