"""Everybody who signs in: their accounts, their ways in, and their sessions."""

from collections.abc import Callable

from sqlalchemy import Engine

from database.accounts import Accounts
from database.invitations import Invitations
from database.passes import Passes
from service.callers import Callers
from service.login import Login
from service.sessions import Sessions
from service.single_sign_on import SingleSignOn
from utils.settings import Settings
from utils.tokens import Tokens


class People:
    """The accounts and the ways to one (by password, by invitation, by single sign-on), what is
    begun there, and who it is that calls.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        tokens: Tokens,
        passes: Passes,
        all_apps: Callable[[], tuple[int, ...]],
    ) -> None:
        self.accounts = Accounts(engine)
        self.login = Login(self.accounts, settings.account)
        self.invitations = Invitations(engine)
        self.single_sign_on = SingleSignOn(settings.oidc, self.login)
        self.sessions = Sessions(tokens, passes, self.accounts.find, settings.token)
        self.callers = Callers(tokens, passes, self.accounts.find, all_apps)
