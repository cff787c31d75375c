"""What browsers report by themselves: Content Security Policy and the Reporting API.

Sources: CSP Level 3, "Reporting"; W3C Reporting API. A report of the older kind is an object, one a
request; of the newer kind a list of them.
"""

from typing import Any

import msgspec

from exceptions import Problem
from service.adapter.fields import decode_json, record_of, text_of
from service.adapter.wire import Bad, Record, Reply, Sent, Translated, text_refusal
from service.batch import Batch
from service.ingest import demand_good

_any = msgspec.json.Decoder(Any)
_SUBJECTS = ("message", "reason", "type", "id")  # the members that say most


def read(sent: Sent) -> Translated:
    """One record a report."""
    reports = decode_json(_any, sent.body)
    return Translated([_record(each, sent) for each in _listed(reports)])


def reply(sent: Sent, translated: Translated, kept: Batch) -> Reply:
    """204: a browser reads no more than the status."""
    demand_good(kept)
    return Reply(204)


def refuse(sent: Sent, problem: Problem) -> Reply:
    """A line of text."""
    return text_refusal(problem)


def _listed(reports: Any) -> list[Any]:
    return reports if isinstance(reports, list) else [reports]


def _record(report: Any, sent: Sent) -> Record | Bad:
    if not isinstance(report, dict):
        return Bad("not_an_object", "a report must be an object")
    body, kind = report.get("csp-report"), "csp-violation"
    if body is None:
        body, kind = report.get("body"), str(report.get("type") or "report")
    if not isinstance(body, dict):
        return Bad("missing_body", "a report must have a body")
    about = {name: report[name] for name in ("url", "user_agent") if report.get(name)}
    about.setdefault("user_agent", sent.headers.get("user-agent", ""))
    attributes = {"report": kind, **about, **{_camel(name): each for name, each in body.items()}}
    logger = "csp" if kind == "csp-violation" else "browser"
    record = record_of(_message(kind, attributes), {"logger": logger}, attributes)
    record["level"] = "error" if kind == "crash" else "warning"
    age = report.get("age")
    if isinstance(age, (int, float)) and 0 < age < sent.received_at / 1000:
        record["time"] = sent.received_at - int(age * 1000)
    return record


def _camel(name: str) -> str:
    """A name of the older kind as the newer kind has it: `blocked-uri` is `blockedURL`."""
    first, *rest = name.split("-")
    return first + "".join("URL" if each in ("uri", "url") else each.title() for each in rest)


def _message(kind: str, about: dict[str, Any]) -> str:
    if kind == "csp-violation":
        directive = about.get("effectiveDirective") or about.get("violatedDirective") or ""
        return f"CSP {text_of(directive)} blocked {text_of(about.get('blockedURL') or 'something')}"
    says = next((about[name] for name in (*_SUBJECTS, "url") if about.get(name)), "no details")
    return f"{kind}: {text_of(says)}"
