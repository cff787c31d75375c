"""A small issuer of OpenID Connect for tests: it signs everybody in at once, with real keys."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "redlog", "the client's secret"


class TestIssuer:
    """Who signs in next is said by `person`; `wrong` replaces claims, `key` signs."""

    __test__ = False  # pytest takes it for tests otherwise

    def __init__(self) -> None:
        self.key = self.published = RSAKey.generate_key(2048, {"kid": "one"})
        self.person: dict[str, Any] = {"sub": "1", "preferred_username": "ada"}
        self.wrong: dict[str, Any] = {}
        self.says: dict[str, Any] = {}  # what its configuration says otherwise
        self.asked: list[str] = []  # paths
        self._codes: dict[str, dict[str, str]] = {}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer._get(self)

            def do_POST(self) -> None:
                issuer._token(self)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _get(self, handler: Any) -> None:
        path, _, query = handler.path.partition("?")
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            names = ("authorize", "token", "jwks")
            authorize, token, jwks = (f"{self.url}/{name}" for name in names)
            configuration = {
                "issuer": self.url,
                "authorization_endpoint": authorize,
                "token_endpoint": token,
                "jwks_uri": jwks,
            }
            _reply(handler, 200, configuration | self.says)
        elif path == "/jwks":
            _reply(handler, 200, {"keys": [self.published.as_dict(private=False)]})
        elif path == "/elsewhere":
            handler.send_response(302)
            handler.send_header("Location", f"{self.url}/jwks")
            handler.end_headers()
        else:
            self._authorize(handler, dict(parse_qsl(query)))

    def _authorize(self, handler: Any, asked: dict[str, str]) -> None:
        """As if the person had signed in, and agreed."""
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"]}
        handler.send_response(302)
        handler.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
        handler.end_headers()

    def _token(self, handler: Any) -> None:
        self.asked.append(handler.path)
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        sent = dict(parse_qsl(body))
        asked = self._codes.pop(sent.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        proof = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        good = (
            asked is not None
            and handler.headers["Authorization"] == f"Basic {basic}"
            and sent["redirect_uri"] == asked["redirect_uri"]
            and challenge == asked["code_challenge"]
        )
        if not good or asked is None:
            return _reply(handler, 400, {"error": "invalid_grant"})
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"], **self.person, **self.wrong}
        header = {"alg": "RS256", "kid": self.key.kid}
        signed = jwt.encode(header, claims, self.key)
        token = {"access_token": "a", "token_type": "Bearer", "id_token": signed}
        _reply(handler, 200, token)


def _reply(handler: Any, status: int, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def parameters_of(url: str) -> dict[str, str]:
    """The query of a URL."""
    return dict(parse_qsl(urlsplit(url).query))
