"""The issuer of single sign-on: OpenID Connect's authorization code flow with PKCE, by Authlib.

Sources: OpenID Connect Core 1.0 (3.1), Discovery 1.0, RFC 7636, RFC 9700 (best practice).
"""

import time
from typing import Any
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from database.oidc_logins import Begun
from exceptions.accounts import IssuerAway, SignOnFailed
from utils.log import log
from utils.settings import Oidc
from utils.wording import say

DISCOVERY = "/.well-known/openid-configuration"
KNOWN_SECONDS = 3600.0
TIMEOUT_SECONDS = 5.0
LEEWAY_SECONDS = 60
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # never one that our own secret could sign
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Issuer:
    """Asks the issuer, and nobody else: no redirect is followed, no environment is read."""

    def __init__(self, settings: Oidc) -> None:
        self._settings = settings
        self._known: dict[str, Any] = {}
        self._until = 0.0

    def authorization_url(self, redirect_uri: str, state: str, begun: Begun) -> str:
        """Where somebody signs in. Raises IssuerAway."""
        endpoint = self._metadata()["authorization_endpoint"]
        with self._session(redirect_uri) as session:
            url, _ = session.create_authorization_url(
                endpoint, state=state, code_verifier=begun.verifier, nonce=begun.nonce
            )
        return str(url)

    def claims(self, code: str, redirect_uri: str, begun: Begun) -> dict[str, Any]:
        """What the issuer says of who signed in, proven. Raises SignOnFailed and IssuerAway."""
        endpoint = self._metadata()["token_endpoint"]
        try:
            with self._session(redirect_uri) as session:
                token = session.fetch_token(
                    endpoint,
                    code=code,
                    code_verifier=begun.verifier,
                    grant_type="authorization_code",
                    allow_redirects=False,
                    timeout=TIMEOUT_SECONDS,
                )
            return self._verified(token, begun.nonce)
        except RequestException as error:
            raise _away(error) from error
        except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("single sign-on failed: %s", type(error).__name__)
            raise SignOnFailed("the issuer's answer is not valid") from error

    def _verified(self, token: Any, nonce: str) -> dict[str, Any]:
        """The claims of the id_token. A key that is not known may be a new one."""
        keys = KeySet.import_key_set(self._metadata()["keys"])
        try:
            read = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            self._until = 0.0
            keys = KeySet.import_key_set(self._metadata()["keys"])
            read = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS)
        client_id = self._settings.client_id
        wanted = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": client_id},
        }
        shown = {"nonce": nonce, "client_id": client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(read.claims, read.header, wanted, shown)
        claims.validate(leeway=LEEWAY_SECONDS)
        return dict(claims)

    def _metadata(self) -> dict[str, Any]:
        """The issuer's endpoints and keys, of the last hour. Raises IssuerAway."""
        if time.monotonic() >= self._until:
            found = self._get(self._settings.issuer.rstrip("/") + DISCOVERY)
            if found.get("issuer") != self._settings.issuer:
                raise IssuerAway("it calls itself otherwise than setting oidc.issuer")
            for name in ENDPOINTS:
                self._check(found.get(name))
            self._known = {**found, "keys": self._get(found["jwks_uri"])}
            self._until = time.monotonic() + KNOWN_SECONDS
        return self._known

    def _check(self, url: Any) -> None:
        """Raises IssuerAway for an endpoint that is less safe than the issuer itself."""
        scheme = urlsplit(self._settings.issuer).scheme
        if not isinstance(url, str) or urlsplit(url).scheme not in ("https", scheme):
            raise IssuerAway("its configuration names no safe endpoint")

    def _get(self, url: str) -> dict[str, Any]:
        try:
            with self._session("") as session:
                reply = session.get(
                    url, withhold_token=True, allow_redirects=False, timeout=TIMEOUT_SECONDS
                )
            if reply.status_code != 200:
                raise IssuerAway(say("it answered {status}", status=reply.status_code))
            return dict(reply.json())
        except (RequestException, ValueError, TypeError) as error:
            raise _away(error) from error

    def _session(self, redirect_uri: str) -> Any:
        settings = self._settings
        session = OAuth2Session(
            settings.client_id,
            settings.client_secret or None,
            scope=settings.scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )
        session.trust_env = False
        return session


def _away(error: Exception) -> IssuerAway:
    log.warning("the issuer of single sign-on does not answer: %s", type(error).__name__)
    return IssuerAway("it does not answer as it should")
