"""Signing in: password, second factor, and the lockout that makes guessing slow."""

import ipaddress
import time

from database.accounts import Account, Accounts, Credentials
from database.login_failures import LoginFailures, Subject
from exceptions import BadLogin, CodeNeeded, LockedOut
from service.passwords import Passwords
from utils.clock import now_us
from utils.names import folded
from utils.settings import AccountSettings
from utils.wording import say

FREE_OF_ACCOUNT, FREE_OF_ADDRESS = 3, 20  # failures without a delay: many share an address
NETWORK_BITS = 64  # of an IPv6 address: all of a network's are one client's
CODE_SECONDS = 30


class Login:
    """Lets people in.

    What a stranger can see or measure is the same whether an account exists, is disabled or is
    locked: the same reply, after the same hashing and the same statements.
    """

    def __init__(self, accounts: Accounts, settings: AccountSettings) -> None:
        self.accounts = accounts
        self.failures = LoginFailures(accounts.engine)
        self.passwords = Passwords(settings)

    def sign_in(self, name: str, password: str, code: str | None, address: str | None) -> Account:
        """The account, if this is its password and, where there is a second factor, its code.

        Raises BadLogin, CodeNeeded (only to who knows the password), LockedOut and Busy.
        """
        found = self.accounts.credentials(name)
        subjects = self._verify(found, name, password, address)
        assert found is not None
        if found.totp_enabled and not code:
            self._refund(subjects)
            raise CodeNeeded("send the code that the authenticator shows as `code`")
        if found.totp_enabled and not self.is_code(found, code or ""):
            raise BadLogin("name, password or code is wrong")
        self._settle(subjects)
        values: dict[str, object] = {"last_login_at": now_us()}
        if found.password_hash and self.passwords.is_outdated(found.password_hash):
            values["password_hash"] = self.passwords.hash(password)
        return self.accounts.change(found.id, values)

    def confirm(self, account: Account, password: str, address: str | None) -> None:
        """Raises BadLogin, LockedOut or Busy unless it is the password of one who is signed in."""
        found = self.accounts.credentials_of(account.id)
        self._settle(self._verify(found, account.name, password, address))

    def is_code(self, found: Credentials, code: str) -> bool:
        """Whether a second factor's code (RFC 6238) is right, by at most a step: each once only."""
        from pyotp import TOTP  # only here: start-up and memory
        from pyotp.utils import strings_equal

        totp, now = TOTP(found.totp_secret or ""), int(time.time()) // CODE_SECONDS
        sent = "".join(code.split())
        steps = (now - 1, now, now + 1)
        right = [step for step in steps if strings_equal(totp.generate_otp(step), sent)]
        return any(self.accounts.use_code(found.id, step) for step in right)

    def charge_address(self, address: str | None) -> None:
        """Count something else that may be tried too often from one address. Raises LockedOut."""
        self._charge(_address(address))

    def refund_address(self, address: str | None) -> None:
        """Take that back: it went well."""
        self.failures.refund(_address(address))

    def unlock(self, name: str) -> None:
        """Forget the failed logins of an account."""
        self.failures.clear(_account(name))

    def _verify(
        self, found: Credentials | None, name: str, password: str, address: str | None
    ) -> list[Subject]:
        """Whom this attempt was charged to. The password is verified first, whatever follows."""
        is_right = self.passwords.verify(found.password_hash if found else None, password)
        subjects = [_address(address), _account(name)]
        for subject in subjects:
            self._charge(subject)
        if found is None or not is_right or found.disabled:
            raise BadLogin("name, password or code is wrong")
        return subjects

    def _charge(self, subject: Subject) -> None:
        wait = self.failures.charge(subject)
        if wait:
            raise LockedOut(
                say("too many failed tries; wait {wait} s", wait=wait), retry_after=wait
            )

    def _settle(self, subjects: list[Subject]) -> None:
        """The account starts anew. Its address does not: else one who has an account could guess
        the passwords of others without a delay.
        """
        address, account = subjects
        self.failures.refund(address)
        self.failures.clear(account)

    def _refund(self, subjects: list[Subject]) -> None:
        for subject in subjects:
            self.failures.refund(subject)


def _account(name: str) -> Subject:
    return Subject("account", folded(name), FREE_OF_ACCOUNT)


def _address(address: str | None) -> Subject:
    """The client's address, its network with IPv6."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return Subject("address", address or "", FREE_OF_ADDRESS)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return Subject(
            "address", str(ipaddress.ip_network((ip, NETWORK_BITS), False)), FREE_OF_ADDRESS
        )
    return Subject("address", str(ip), FREE_OF_ADDRESS)
