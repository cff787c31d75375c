"""A page of logan-web: logs that were kept in the browser, some of them encrypted.

    {"client": "Web", "deviceId": …, "environment": …, "logArray": "<log>,<log>,…"}

A log is a URI component of JSON: `{"l": <base64 of text>}`, or with `"v": 1` encrypted by
AES-128-CTR, its key (`k`) by RSA (PKCS #1 v1.5). The text is `{"t": type, "c": <URI component>,
"d": "<ms>"}`.
"""

from base64 import b64decode
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from exceptions import TooLarge, UnreadableBody
from service.adapter.fields import MAX_SHARED_BYTES, decode_json, record_of, share, text_of
from service.adapter.lift import time_of
from service.adapter.values import present
from service.adapter.wire import Bad, Record, Sent
from service.logan_key import private_key_of
from utils.app_settings import AppSettings

MAX_KEY_TEXT = 2**20  # of all keys: 1.3 s with 2048 bits; a page of the client ends at 1 MiB
KEY_BYTES = 16
_object = msgspec.json.Decoder(dict[str, Any])


class _Log(msgspec.Struct):
    l: str  # noqa: E741  # as Logan names it
    k: str = ""
    iv: str = ""
    v: int = 0


class _Text(msgspec.Struct):
    c: str
    t: Any = None
    d: Any = None


_log, _text = msgspec.json.Decoder(_Log), msgspec.json.Decoder(_Text)


def records_of(sent: Sent) -> list[Record | Bad]:
    """A record for each log of a page. Raises UnreadableBody and TooLarge."""
    page = decode_json(_object, sent.body)
    written = page.get("logArray")
    if not isinstance(written, str):
        raise UnreadableBody("logArray must be a text")
    if written.count(",") >= sent.max_records:
        raise TooLarge(f"more than {sent.max_records} records in one report")
    logs = [each for each in written.split(",") if each]
    texts = {
        "platform": text_of(page.get("client") or "web").lower(),
        "device_id": page.get("deviceId"),
        "environment": page.get("environment"),
    }
    more = present(web_source=page.get("webSource"), custom_info=page.get("customInfo"))
    share(MAX_SHARED_BYTES, [texts, more], len(logs))
    open_text = _Opener(sent.settings)
    return [_record(each, open_text, texts, more) for each in logs]


class _Opener:
    """Makes the text of a log readable."""

    def __init__(self, settings: AppSettings) -> None:
        self.pem = settings.logan_private_key
        self.room = MAX_KEY_TEXT
        self.key_of = lru_cache(1024)(self._key_of)

    def __call__(self, log: _Log) -> bytes:
        """Raises ValueError when it can't be, and TooLarge."""
        text = b64decode(log.l, validate=True)
        if not log.v:
            return text
        if not self.pem:
            raise ValueError("it is encrypted, and the app has no logan_private_key")
        iv = log.iv.encode()
        if len(iv) != KEY_BYTES:
            raise ValueError(f"iv has not {KEY_BYTES} bytes")
        cipher = Cipher(AES(self.key_of(log.k)), CTR(iv)).decryptor()
        return cipher.update(text) + cipher.finalize()

    def _key_of(self, encrypted: str) -> bytes:
        self.room -= len(encrypted)
        if self.room < 0:
            raise TooLarge("more encrypted logs than a page of the client can hold")
        key = private_key_of(self.pem).decrypt(b64decode(encrypted, validate=True), PKCS1v15())
        if len(key) != KEY_BYTES:
            raise ValueError("it is encrypted for another logan_private_key")
        return key


def _record(
    written: str, open_text: _Opener, texts: dict[str, Any], more: dict[str, Any]
) -> Record | Bad:
    try:
        log = _log.decode(unquote_to_bytes(written))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Bad("invalid_json", str(error)[:200])
    try:
        opened = open_text(log)
    except ValueError as error:
        return Bad("undecryptable" if log.v else "invalid_base64", str(error)[:200])
    try:
        text = decode_json(_text, opened)
    except (UnreadableBody, msgspec.MsgspecError) as error:
        return Bad("undecryptable" if log.v else "invalid_json", str(error)[:200])
    record = record_of(unquote(text.c), texts, {**more, **present(type=text.t)})
    return record | present(time=time_of(text.d))
