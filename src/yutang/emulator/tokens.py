"""Apps, and the access tokens they are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.errors import CityError

if TYPE_CHECKING:
    from yutang.emulator.city import City

WECOM, OFFICIAL_ACCOUNT, MINIPROGRAM = "wecom", "official_account", "miniprogram"
CUSTOMER_SERVICE = "customer_service"
OF_CORP = (WECOM, CUSTOMER_SERVICE)
"""Kinds whose apps belong to the one corp: its id, a secret each."""


@dataclass
class App:
    """One application of one platform. visible: userids it may see (None: everybody); ips: trusted addresses (None: all);
    closed: paths it has no permission for; scopes: other secrets' powers, e.g. ``sync`` for the directory's secret.
    """

    kind: str
    name: str
    id: str
    secret: str
    token: str
    aes_key: str
    agent_id: str = ""
    callback_url: str | None = None
    visible: set[str] | None = None
    ips: set[str] | None = None
    closed: set[str] = field(default_factory=set)
    trusted_domain: str | None = None

    def sees(self, userid: str) -> bool:
        return self.visible is None or userid in self.visible


@dataclass
class Given:
    """A token that was given out."""

    app: App
    expires_at: float
    revoked: bool = False


class Tokens:
    """All tokens ever given."""

    def __init__(self) -> None:
        self.given: dict[str, Given] = {}
        self.current: dict[tuple[str, str, str], str] = {}

    def give(self, city: City, app: App, same: bool | None = None, family: str = "") -> tuple[str, int]:
        """A token and its remaining seconds; the old one while it lives, if the platform repeats itself (`same`)."""
        key, now = (app.kind, app.name, family), city.now().timestamp()
        repeat = city.settings.token.same_token_on_refetch if same is None else same
        kept = self.given.get(self.current.get(key, ""))
        if repeat and kept and not kept.revoked and kept.expires_at > now:
            return self.current[key], int(kept.expires_at - now)
        token = city.new_id("AT", 64)
        self.given[token] = Given(app, now + city.settings.token.ttl)
        self.current[key] = token
        return token, city.settings.token.ttl

    def app_of(self, city: City, token: str) -> App:
        """Raises CityError 41001, 40014 or 42001."""
        if not token:
            raise CityError(41001)
        given = self.given.get(token)
        if given is None or given.revoked:
            raise CityError(40014)
        if given.expires_at <= city.now().timestamp():
            raise CityError(42001)
        return given.app

    def revoke(self) -> None:
        """From now on no token given so far is valid (40014)."""
        for given in self.given.values():
            given.revoked = True


def get_token(city: City, _: App | None, given: dict[str, Any]) -> dict[str, Any]:
    """GET gettoken."""
    corp_id, secret = given.get("corpid"), given.get("corpsecret")
    if not corp_id:
        raise CityError(41002)
    if not secret:
        raise CityError(41004)
    if corp_id != city.corp_id:
        raise CityError(40013)
    app = next((one for one in city.apps if one.kind in OF_CORP and one.secret == secret), None)
    if app is None:
        raise CityError(40001)
    token, seconds = city.tokens.give(city, app)
    return {"access_token": token, "expires_in": seconds}
