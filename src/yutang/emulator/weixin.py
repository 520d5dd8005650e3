"""Access tokens of official accounts and mini-programs: the stable sort, and the old sort whose newest kills the one before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from yutang.emulator.endpoint import get, post
from yutang.emulator.errors import CityError
from yutang.emulator.tokens import MINIPROGRAM, OFFICIAL_ACCOUNT

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

GRACE_S = 300
"""How long the old token of `cgi-bin/token` lives on, and how long before its end a stable token is renewed."""
FORCE_GAP_S = 30
DAY_S = 86_400
STABLE = "stable"


class Forced:
    """When each app asked for a fresh stable token, in Unix seconds."""

    def __init__(self) -> None:
        self.at: dict[str, list[int]] = {}


def plain_token(city: City, _: App | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """`GET cgi-bin/token`: always a new one; the one before dies within five minutes."""
    app = app_with_secret(city, given)
    if old := city.tokens.given.get(city.tokens.current.get((app.kind, app.name, ""), "")):
        old.expires_at = min(old.expires_at, city.stamp() + GRACE_S)
    token, seconds = city.tokens.give(city, app, same=False)
    return {"access_token": token, "expires_in": seconds}


def stable_token(city: City, _: App | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """`POST cgi-bin/stable_token`: the same one until shortly before its end, or a new one when forced."""
    app = app_with_secret(city, given)
    old = city.tokens.given.get(city.tokens.current.get((app.kind, app.name, STABLE), ""))
    if given.get("force_refresh") and old and not old.revoked:
        _may_force(city, app)
        old.revoked = True
    fresh = old is None or old.expires_at - city.stamp() <= GRACE_S
    token, seconds = city.tokens.give(city, app, same=not fresh, family=STABLE)
    return {"access_token": token, "expires_in": seconds}


def _may_force(city: City, app: App) -> None:
    """Raises CityError 45011 within half a minute of the last time, 45009 after the day's share."""
    now, forced = city.stamp(), city.part(Forced)
    times = forced.at[app.id] = [at for at in forced.at.get(app.id, []) if now - at < DAY_S]
    if times and now - times[-1] < FORCE_GAP_S:
        raise CityError(45011, "force_refresh again within 30 seconds")
    if len(times) >= city.settings.oa.stable_force_per_day:
        raise CityError(45009, "force_refresh daily limit")
    times.append(now)


def app_with_secret(city: City, given: Mapping[str, Any]) -> App:
    """The account named by `appid`. Raises CityError 40002, 40013, 40125."""
    wanted = "client_credential" if "code" not in given and "js_code" not in given else "authorization_code"
    if given.get("grant_type") != wanted:
        raise CityError(40002, "invalid grant_type")
    kinds = (OFFICIAL_ACCOUNT, MINIPROGRAM)
    app = next((one for one in city.apps if one.kind in kinds and one.id == given.get("appid")), None)
    if app is None:
        raise CityError(40013, "invalid appid")
    if given.get("secret") != app.secret:
        raise CityError(40125, "invalid appsecret")
    return app


TOKENS = {
    "cgi-bin/token": get(plain_token, "grant_type appid secret", free=True),
    "cgi-bin/stable_token": post(stable_token, "grant_type appid secret force_refresh", free=True),
}
