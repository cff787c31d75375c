"""Pages of logan-web and files of native Logan, made as its sources do."""

import gzip
import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from recorded.sample import Sample

KEY, IV = "0123456789abcdef", "fedcba9876543210"
PRIVATE = generate_private_key(65537, 2048)
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
MS = 1795168800123
HEADERS = {
    "Content-Type": "binary/octet-stream",
    "fileDate": "2026-11-20",
    "appId": "shop",
    "unionId": "u-1",
    "deviceId": "d-1",
    "buildVersion": "77",
    "appVersion": "2.1.0",
    "platform": "1",
}


def encrypted(mode: CBC | CTR, data: bytes, key: str = KEY) -> bytes:
    cipher = Cipher(AES(key.encode()), mode).encryptor()
    return cipher.update(data) + cipher.finalize()


def line(text: str, ms: int = MS) -> bytes:
    log = {"c": text, "f": 2, "l": ms, "n": "main", "i": 1, "m": True}
    return json.dumps(log, ensure_ascii=False).encode() + b"\n"


def block(packed: bytes, key: str = KEY) -> bytes:
    """A block of what gzip made, padded as Logan pads."""
    left = 16 - len(packed) % 16
    data = encrypted(CBC(IV.encode()), packed + bytes([left]) * left, key)
    return b"\1" + len(data).to_bytes(4, "big") + data + b"\0"


def file_of(*blocks: list[str]) -> bytes:
    return b"".join(block(gzip.compress(b"".join(map(line, texts)))) for texts in blocks)


def web_log(text: str, ms: int = MS) -> dict[str, Any]:
    inner = json.dumps({"t": 1, "c": quote(text), "d": str(ms)})
    return {"l": b64encode(inner.encode()).decode()}


def secret_log(text: str, public: RSAPublicKey | None = None) -> dict[str, Any]:
    inner = json.dumps({"t": 1, "c": quote(text), "d": str(MS)}).encode()
    key = (public or PRIVATE.public_key()).encrypt(KEY.encode(), PKCS1v15())
    opened = {"l": encrypted(CTR(IV.encode()), inner), "k": key}
    return {"v": 1, "iv": IV, **{name: b64encode(data).decode() for name, data in opened.items()}}


def page(*logs: Any, **more: Any) -> bytes:
    about = {"client": "Web", "webSource": "shop", "deviceId": "d-1", "environment": "prod"}
    about |= {"customInfo": '{"user":7}', "logPageNo": 1, "fileDate": "2026-11-20"}
    joined = ",".join(quote(json.dumps(log)) for log in logs)
    return json.dumps({**about, "logArray": joined, **more}).encode()


JSON = {"Content-Type": "application/json", "Accept": "application/json,text/javascript"}
SAMPLES = [
    Sample("/logan/web/upload.json", page(web_log("支付失败"), web_log("二")), JSON),
    Sample("/logan/upload.json", file_of(["clogan header", "支付失败"], ["二"]), HEADERS),
]
