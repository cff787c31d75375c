"""What lets people and machines in: sessions, machines' tokens, and which of them have ended."""

from sqlalchemy import Engine

from database.api_tokens import ApiTokens, Later
from database.redis_bus import RedisBus
from database.revoked import RevokedTokens
from database.sessions import SessionTable
from utils.settings import Token


class Passes:
    """The tables of sessions and tokens. `in_background`: see `ApiTokens`."""

    def __init__(
        self, engine: Engine, bus: RedisBus, settings: Token, in_background: Later
    ) -> None:
        self.revoked = RevokedTokens(engine, bus)
        self.api_tokens = ApiTokens(engine, self.revoked, in_background)
        self.sessions = SessionTable(engine, self.revoked, settings)
