"""Every failure that a client can see: its status, its stable `code` and its title (RFC 9457).

Raise one anywhere; `utils.problem.problem_reply` is the one door through which they leave.
"""

from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """A refusal with a reason. Subclasses fix status, code and title; an instance adds the detail.

    `headers` go out with the reply; `members` are further members of the problem object. `said` is
    the detail as `utils.wording.say` put it together, which can be told in other languages.
    """

    status = 500
    code = "internal_error"
    title = "Internal error"

    def __init__(
        self, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail or self.title)
        self.said, self.detail = detail, str(detail)
        self.headers = dict(headers or {})
        self.members = members


class UnreadableBody(Problem):
    """The body is not what its headers say: no JSON, a torn gzip stream, a length that lies."""

    status, code, title = 400, "unreadable_body", "The body could not be read"


class BadRequestBody(Problem):
    """A JSON body is not of the form that the route wants; the member `field` says where."""

    status, code, title = 400, "bad_request_body", "The body is not what is wanted here"


class BadParameter(Problem):
    """A query parameter is unknown, out of range or of the wrong form."""

    status, code, title = 400, "bad_parameter", "A parameter could not be understood"


class BadQuery(Problem):
    """`q` is not of the query language; `position` says where, in characters from 0."""

    status, code, title = 400, "bad_query", "The query could not be understood"

    def __init__(self, detail: str, position: int) -> None:
        super().__init__(detail, position=position)


class BadCursor(Problem):
    """The cursor is not one of ours, or belongs to another query."""

    status, code, title = 400, "bad_cursor", "The cursor is not valid for this query"


class BadKey(Problem):
    """No ingest key, or one that no app owns."""

    status, code, title = 401, "bad_key", "The ingest key is missing or unknown"


class BadSignature(Problem):
    """A report's signature is missing, unreadable, too old or not of these bytes."""

    status, code, title = 401, "bad_signature", "The signature is missing or not valid"


class ReplayedSignature(Problem):
    """A signature that was good and was used: each attempt to report needs a fresh one."""

    status, code, title = 401, "replayed_signature", "The signature was used before"


class BadToken(Problem):
    """No token, or one that is forged or expired."""

    status, code, title = 401, "bad_token", "The token is missing or not valid"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class RevokedToken(BadToken):
    """A token that was good until it was revoked, or its session or account ended."""

    code, title = "revoked_token", "The token was revoked"


class BadLogin(Problem):
    """No account of this name, or not its password or code: which, nobody is told."""

    status, code, title = 401, "bad_login", "The login is not right"


class CodeNeeded(Problem):
    """The password is right, and the account has a second factor."""

    status, code, title = 401, "code_needed", "The second factor's code is needed"


class Forbidden(Problem):
    """Known, but not allowed."""

    status, code, title = 403, "forbidden", "Not allowed"


class BadCsrf(Problem):
    """A page used its cookie to change something, and did not prove that it was this page."""

    status, code, title = 403, "bad_csrf_token", "The page's own token is missing or not valid"


class PasswordChangeRequired(Problem):
    """Signed in by a password that was given to them, and that must be changed before all else."""

    status, code, title = 403, "password_change_required", "The password must be changed first"


class UntrustedSource(Problem):
    """A report from a web origin or a package that its app does not allow."""

    status, code, title = 403, "untrusted_source", "Reports from there are not taken"


class NotFound(Problem):
    """There is no such thing, or not for this reader."""

    status, code, title = 404, "not_found", "Not found"


class NameTaken(Problem):
    """There is one of that name already."""

    status, code, title = 409, "name_taken", "The name is taken"


class TooMany(Problem):
    """There are as many of them as there may be; one must go before another comes."""

    status, code, title = 409, "too_many", "There are as many as there may be"


class TooLarge(Problem):
    """The body, inflated, or the number of its records is over the cap."""

    status, code, title = 413, "too_large", "The body is too large"


class UnsupportedEncoding(Problem):
    """A Content-Encoding that we do not speak (RFC 9110, section 15.5.16)."""

    status, code, title = 415, "unsupported_encoding", "The Content-Encoding is not supported"


class NoGoodRecord(Problem):
    """Every record of the batch was bad; `rejected` says why, one by one."""

    status, code, title = 422, "no_good_record", "No record could be accepted"


class RateLimited(Problem):
    """More than may come in a minute; the client keeps its batch and tries again."""

    status, code, title = 429, "rate_limited", "Too much in a minute"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class QuotaExceeded(RateLimited):
    """More records than the app may report on one day."""

    code, title = "quota_exceeded", "The quota of the day is used up"


class LockedOut(Problem):
    """Too many failed logins by this name or from this address; neither is tried before then."""

    status, code, title = 429, "locked_out", "Too many failed logins"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Busy(Problem):
    """More passwords are being hashed than this process has memory for."""

    status, code, title = 503, "busy", "Too busy at the moment"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class NotAccepting(Problem):
    """Nothing more can be kept safely right now; the client keeps its batch and tries again."""

    status, code, title = 503, "not_accepting", "Not accepting records at the moment"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class TooManyStreams(Problem):
    """This process follows the store for as many readers as it may; others poll, or come back."""

    status, code, title = 503, "too_many_streams", "Too many streams are open"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class NoStreams(Problem):
    """A server whose workers can't keep a connection beside the requests that they answer."""

    status, code, title = 501, "no_streams", "This server has no streams"


class StoreAway(Problem):
    """The database can't be read right now; the same question may be asked again soon."""

    status, code, title = 503, "store_away", "The records can't be read at the moment"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Retry-After": "5"})


class StartError(Exception):
    """The server can't start; the message is the one line that says why. Never sent to a client."""

    exit_code = 1


class DatabaseDown(StartError):
    """The database does not answer. A node that knows its keys starts all the same."""
