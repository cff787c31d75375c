"""Whether a report comes from where its app lives: a web origin, an app's package or bundle id."""

from exceptions import UntrustedSource
from utils.app_settings import AppSettings


def is_untrusted(settings: AppSettings, origin: str | None, package: str | None) -> bool:
    """Whether a report is from elsewhere than its app allows, and is to be marked so.

    Who reports says so itself (the headers Origin and X-Redlog-Package): only browsers can be
    relied on. An app that names neither origins nor packages trusts everybody. Raises
    UntrustedSource when such reports are to be refused.
    """
    if not settings.allowed_origins and not settings.allowed_packages:
        return False
    if origin is not None:
        known = _is_among(origin.lower(), settings.allowed_origins)
    else:
        known = package is not None and package in settings.allowed_packages
    if not known and settings.untrusted == "refuse":
        raise UntrustedSource("this app takes no reports from this origin or package")
    return not known


def _is_among(origin: str, allowed: list[str]) -> bool:
    """Whether an origin is one of these; `https://*.example.com` are all below that name."""
    for pattern in map(str.lower, allowed):
        head, star, tail = pattern.partition("*")
        fits = origin.startswith(head) and origin.endswith(tail)
        if origin == pattern or (star and fits and len(origin) > len(head) + len(tail)):
            return True
    return False
