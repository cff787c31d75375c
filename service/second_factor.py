"""The second factor of one's own account: codes by time (TOTP, RFC 6238)."""

from msgspec import UNSET, Struct, UnsetType

from database.accounts import Account
from exceptions import BadLogin, BadRequestBody
from exceptions.accounts import TotpEnabled
from service.accounts import own
from service.login import Login
from utils.principal import Principal

ISSUER = "RedLog"


class TotpForm(Struct, forbid_unknown_fields=True):
    """One's password, for a new secret; or a code that its authenticator shows, to begin."""

    password: str | None = None
    code: str | None = None


class TotpRemoval(Struct, forbid_unknown_fields=True):
    """One's password."""

    password: str


class TotpState(Struct):
    """Whether codes are asked for; with a fresh secret, its URI, and this as a QR code.

    `qr` holds the code's rows, edge included: "1" is dark, "0" light.
    """

    totp_enabled: bool
    secret: str | UnsetType = UNSET
    uri: str | UnsetType = UNSET
    qr: list[str] | UnsetType = UNSET


def set_up(login: Login, caller: Principal, form: TotpForm) -> TotpState:
    """Offer a secret, or begin to ask for codes, when the first one is right.

    Raises BadRequestBody, TotpEnabled, and as a login BadLogin, LockedOut and Busy.
    """
    account = own(login, caller)
    if account.totp_enabled:
        raise TotpEnabled("remove it first")
    if form.password is not None and form.code is None:
        login.confirm(account, form.password, caller.address)
        return _offer(login, account)
    if form.code is not None and form.password is None:
        return _begin(login, account, form.code)
    raise BadRequestBody("send the password for a new secret, or then a code to begin")


def remove(login: Login, caller: Principal, form: TotpRemoval) -> None:
    """Ask for no code any more. Raises as a login."""
    account = own(login, caller)
    login.confirm(account, form.password, caller.address)
    login.accounts.change(account.id, {"totp_secret": None, "totp_enabled": 0})


def _offer(login: Login, account: Account) -> TotpState:
    from pyotp import TOTP, random_base32  # only here: start-up and memory
    from segno import make_qr

    secret = random_base32()
    login.accounts.change(account.id, {"totp_secret": secret})
    uri = TOTP(secret).provisioning_uri(name=account.name, issuer_name=ISSUER)
    rows = ["".join(map(str, row)) for row in make_qr(uri).matrix_iter()]
    return TotpState(False, secret, uri, rows)


def _begin(login: Login, account: Account, code: str) -> TotpState:
    found = login.accounts.credentials_of(account.id)
    if found is None or found.totp_secret is None or not login.is_code(found, code):
        raise BadLogin("the code is wrong, or was used already")
    login.accounts.change(account.id, {"totp_enabled": 1})
    return TotpState(True)
