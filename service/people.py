"""Everybody who signs in, and their ways in."""

from sqlalchemy import Engine

from database.accounts import Accounts
from database.invitations import Invitations
from service.login import Login
from service.single_sign_on import SingleSignOn
from utils.settings import Settings


class People:
    """The accounts and the ways to one: by password, by invitation, by single sign-on."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.accounts = Accounts(engine)
        self.login = Login(self.accounts, settings.account)
        self.invitations = Invitations(engine)
        self.single_sign_on = SingleSignOn(settings.oidc, self.login)
