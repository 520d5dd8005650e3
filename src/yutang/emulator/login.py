"""WeCom's login pages: whoever is at the browser chooses who to be, and comes back with a code."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.response import Redirect

from yutang.emulator.errors import CityError
from yutang.emulator.people import ACTIVE
from yutang.emulator.tokens import WECOM, App
from yutang.emulator.wecom import auth

if TYPE_CHECKING:
    from yutang.emulator.city import City

PATHS = ["/wwlogin/sso/login", "/wwopen/sso/qrConnect", "/connect/oauth2/authorize"]
"""The web's QR login, the older one, and the one inside the client."""
PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>企业微信登录 WeCom login</title><style>body{{font:1rem/1.6 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}}
a{{display:block;padding:.7rem 1rem;margin:.5rem 0;border:1px solid #ccc;border-radius:.5rem;color:inherit;text-decoration:none}}</style>
<h1>企业微信登录 <small>WeCom login</small></h1><p>{corp}：选择成员 <small>choose a member</small></p>{links}</html>"""


def back(city: City, app: App, redirect_uri: str, state: str, userid: str) -> str:
    """The address to which the browser is sent, with code and state. Raises CityError 50001, 60111."""
    auth.check_domain(app, redirect_uri)
    if userid not in city.people.staff:
        raise CityError(60111)
    code = auth.new_code(city, app, userid)
    parts = urlsplit(redirect_uri)
    query = "&".join(filter(None, (parts.query, urlencode({"code": code, "state": state}))))
    return parts._replace(query=query).geturl()


def app_of(city: City, corp_id: str, agent_id: str) -> App:
    """The app that asks; the first one where the address names none. Raises CityError 40013."""
    for app in city.apps:
        if app.kind == WECOM and app.id == corp_id and agent_id in ("", app.agent_id):
            return app
    raise CityError(40013)


def logs_in(city: City, userid: str, url: str) -> str:
    """What choosing this member on the login page at `url` leads to."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    app = app_of(city, query.get("appid", ""), query.get("agentid", ""))
    return back(city, app, query.get("redirect_uri", ""), query.get("state", ""), userid)


@get(PATHS, sync_to_thread=False)
def login(request: Request[Any, Any, State]) -> Response[Any]:
    """The list of members, or, once one is chosen, the way back."""
    city, query = request.app.state.city, request.query_params
    with city.lock:
        try:
            app = app_of(city, query.get("appid", ""), query.get("agentid", ""))
            auth.check_domain(app, query.get("redirect_uri", ""))
            if userid := query.get("userid", ""):
                return Redirect(back(city, app, query["redirect_uri"], query.get("state", ""), userid), status_code=302)
        except CityError as error:
            return Response(str(error), status_code=400, media_type=MediaType.TEXT)
        members = [one for one in city.people.staff.values() if one.status == ACTIVE and app.sees(one.userid)]
    given = dict(query)
    links = "".join(
        f'<a href="?{escape(urlencode(given | {"userid": one.userid}))}">{escape(one.name)}</a>' for one in members
    )
    return Response(PAGE.format(corp=escape(city.corp_name), links=links), media_type=MediaType.HTML)


ROUTES = [login]
