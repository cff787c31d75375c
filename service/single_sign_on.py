"""Single sign-on: accounts of people whom an issuer (OpenID Connect) knows."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from database.accounts import Account, NewAccount
from database.oidc_logins import Begun, OidcLogins
from exceptions import NotFound
from exceptions.accounts import AccountExists, SignOnFailed
from service.login import Login
from utils.clock import now_us
from utils.names import is_name, normal
from utils.settings import Oidc

if TYPE_CHECKING:
    from service.issuer import Issuer

MAX_ALIKE = 100  # people of one name


class SignedOn(NamedTuple):
    """Who came back from the issuer, and whether for the first time."""

    account: Account
    is_new: bool


class SingleSignOn:
    """Sends people to the issuer and knows them when they come back, by issuer and subject: names
    and e-mail addresses can be given to somebody else.
    """

    def __init__(self, settings: Oidc, login: Login) -> None:
        self._settings = settings
        self._login = login
        self._begun = OidcLogins(login.accounts.engine)

    @cached_property
    def _issuer(self) -> "Issuer":
        from service.issuer import Issuer  # only where it is set up: it takes 30 MB

        return Issuer(self._settings)

    def begin(self, redirect_uri: str, address: str | None) -> tuple[str, str]:
        """Where to send the browser, and the state that it must keep.

        Raises NotFound when no issuer is set, LockedOut (many have begun and not come back) and
        IssuerAway.
        """
        if not self._settings.issuer:
            raise NotFound("no single sign-on is set up here")
        self._login.charge_address(address)
        state, begun = secrets.token_urlsafe(32), Begun(*_random_pair())
        url = self._issuer.authorization_url(redirect_uri, state, begun)
        self._begun.begin(state, begun)
        return url, state

    def finish(
        self,
        answer: Mapping[str, str],
        state: str,
        redirect_uri: str,
        address: str | None,
        apps_of: Callable[[list[str]], list[int]],
    ) -> SignedOn:
        """Who came back with this answer; `state` is what their browser kept.

        Raises SignOnFailed and IssuerAway.
        """
        if not state or not hmac.compare_digest(state.encode(), answer.get("state", "").encode()):
            raise SignOnFailed("this browser did not begin it: sign in again")
        begun = self._begun.take(state)
        if begun is None:
            raise SignOnFailed("it was finished already, or begun too long ago: sign in again")
        if "code" not in answer:
            raise SignOnFailed("the issuer let nobody in")
        claims = self._issuer.claims(answer["code"], redirect_uri, begun)
        signed_on = self._account(claims, apps_of)
        self._login.refund_address(address)
        return signed_on

    def _account(
        self, claims: dict[str, Any], apps_of: Callable[[list[str]], list[int]]
    ) -> SignedOn:
        accounts, subject = self._login.accounts, _subject(claims)
        found = accounts.by_subject(subject)
        is_new = found is None
        if found is None:
            found = self._create(claims, subject)
        if found.disabled:
            raise SignOnFailed("the account is disabled")
        named = claims.get(self._settings.apps_claim) if self._settings.apps_claim else None
        apps = None if named is None else apps_of(_names(named))
        return SignedOn(accounts.change(found.id, {"last_login_at": now_us()}, apps), is_new)

    def _create(self, claims: dict[str, Any], subject: str) -> Account:
        """A new account. A name that somebody else has gets a number."""
        if self._settings.role == "none":
            raise SignOnFailed("you have no account here: ask an admin")
        name = normal(str(claims.get(self._settings.name_claim, "")))
        name = name if is_name(name) and len(name) < 60 else f"person-{subject[:12]}"
        for number in range(1, MAX_ALIKE):
            new = NewAccount(
                name if number == 1 else f"{name}-{number}",
                self._settings.role,
                oidc_subject=subject,
            )
            try:
                return self._login.accounts.create(new)
            except AccountExists:
                continue
        raise SignOnFailed("too many accounts have this name")


def _subject(claims: dict[str, Any]) -> str:
    """The issuer and its name for a person, as a hash of fixed length."""
    return hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()


def _names(claim: Any) -> list[str]:
    """The names that a claim lists; some issuers write a single one as a text."""
    names = claim if isinstance(claim, list) else [claim]
    return [name for name in names if isinstance(name, str)]


def _random_pair() -> tuple[str, str]:
    return secrets.token_urlsafe(32), secrets.token_urlsafe(48)
