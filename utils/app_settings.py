"""What an app may set for itself; stored as JSON in its row, changed by `PATCH /api/v1/apps/<id>`.

An empty list, an empty text and 0 mean: nothing of the kind is demanded or limited.
"""

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=2**53)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Names = Annotated[list[Name], Meta(max_length=100)]
# 16 bytes: as many characters of ASCII, or twice as many hexadecimal digits.
AesText = Annotated[str, Meta(pattern=r"^([ -~]{16}|[0-9A-Fa-f]{32})?$(?!\n)")]


class AppLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be reported in a minute: by the app, a key, an address, a device."""

    requests_per_minute: Count = 0
    records_per_minute: Count = 0
    key_requests_per_minute: Count = 0
    address_requests_per_minute: Count = 0
    device_records_per_minute: Count = 0


class ScrubRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be made unreadable: whole fields (`attributes.card`), or what matches a pattern
    (RE2) in these fields, in all texts if none is named.
    """

    fields: Names = []
    pattern: Annotated[str, Meta(max_length=1000)] = ""
    replacement: Annotated[str, Meta(max_length=100)] = "[scrubbed]"


class Scrubbing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is removed from records before they touch the disk: built-in rules by name, and own."""

    builtin: Names = []
    rules: Annotated[list[ScrubRule], Meta(max_length=50)] = []

    @property
    def is_on(self) -> bool:
        """Whether anything is to be removed."""
        return bool(self.builtin or self.rules)


class OpenSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An app's own settings that those who look after it may read."""

    require_signature: bool = False
    allowed_origins: Names = []
    allowed_packages: Names = []
    untrusted: Literal["refuse", "mark"] = "refuse"  # what becomes of reports from elsewhere
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    min_level: Literal["", "trace", "debug", "info", "warning", "error", "fatal"] = ""
    daily_quota: Count = 0  # records a UTC day
    attachments: bool = True  # files that come with records are kept, unless these are scrubbed
    limits: AppLimits = AppLimits()
    scrubbing: Scrubbing = Scrubbing()


class AppSettings(OpenSettings, frozen=True, forbid_unknown_fields=True):
    """An app's own settings, with those that are never shown again, only whether they are set.

    By these Meituan's Logan is read: the native clients' AES-128 key and initialization vector,
    and the private key (PEM) to the web clients' RSA public key. Empty: there is none.
    """

    logan_key: AesText = ""
    logan_iv: AesText = ""
    logan_private_key: Annotated[str, Meta(max_length=16_384)] = ""


class Source(NamedTuple):
    """Who reports: the app, the ingest key, and how the app wants its reports to be handled."""

    app_id: int
    key_id: int
    settings: AppSettings
    secret: str


DEFAULTS = AppSettings()
SECRETS = AppSettings.__struct_fields__[len(OpenSettings.__struct_fields__) :]
_decode = msgspec.json.Decoder(AppSettings).decode


def read_app_settings(stored: str | None) -> AppSettings:
    """From the stored JSON; what is not in it has its default."""
    return _decode(stored) if stored else DEFAULTS


def changed_app_settings(before: AppSettings, change: dict[str, Any]) -> AppSettings:
    """With some values replaced. Raises msgspec.ValidationError, which names the bad one."""
    return msgspec.convert({**msgspec.to_builtins(before), **change}, AppSettings)
