"""The official account's interface: one function per path, each ``(city, app, given) -> answer``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from yutang.emulator import people
from yutang.emulator.endpoint import get, post, under
from yutang.emulator.errors import CityError
from yutang.emulator.official_account import (
    DAY_S,
    Account,
    Accounts,
    Fan,
    Scene,
    account_of,
    spend,
    tell,
    use_grant,
)
from yutang.emulator.weixin import TOKENS, app_with_secret

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

Given = Mapping[str, Any]
Answer = dict[str, Any]
FIELD_CHARS = {"thing": 20, "phrase": 5, "name": 10}
"""How long a template's field may be, by the first word of its name; 32 where none is given."""
_KINDS = ("text", "image", "link", "news", "miniprogrampage", "mpnews", "voice", "video")


def create_qr(city: City, app: App, given: Given) -> Answer:
    """A scene code, for a while or for good."""
    scenes, limits = city.part(Accounts).scenes, city.settings.oa
    action = str(given.get("action_name"))
    value = _scene_value(action, (given.get("action_info") or {}).get("scene") or {}, limits.qr_perm)
    if action.startswith("QR_LIMIT"):
        if sum(one.until is None for one in scenes.values()) >= limits.qr_perm:
            raise CityError(45029, "qrcode count out of limit")
        made = _scene(city, app, value, None)
        return {"ticket": made.ticket, "url": made.url}
    seconds = given.get("expire_seconds", 60)
    if not isinstance(seconds, int) or not 0 < seconds <= limits.qr_temp_max_d * DAY_S:
        raise CityError(40052, "invalid expire_seconds")
    made = _scene(city, app, value, city.stamp() + seconds)
    return {"ticket": made.ticket, "expire_seconds": seconds, "url": made.url}


def _scene(city: City, app: App, value: str, until: int | None) -> Scene:
    ticket = city.new_id("gQ", 60)
    return city.part(Accounts).scenes.setdefault(
        ticket, Scene(app, ticket, value, f"http://weixin.qq.com/q/{ticket[2:24]}", until)
    )


def _scene_value(action: str, scene: Given, most: int) -> str:
    """Raises CityError 40053 for a scene outside the action's range."""
    number, text = scene.get("scene_id"), scene.get("scene_str")
    top = {"QR_SCENE": 2**32 - 1, "QR_LIMIT_SCENE": most}.get(action)
    if top and isinstance(number, int) and 0 < number <= top:
        return str(number)
    if action in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE") and isinstance(text, str) and 1 <= len(text) <= 64:
        return text
    raise CityError(40053, "invalid action info")


def custom_send(city: City, app: App, given: Given) -> Answer:
    """A customer service message to a follower."""
    account = account_of(city, app)
    return custom_send_to(city, account, account.subscriber(given.get("touser")), given)


def custom_send_to(city: City, account: Account, fan: Fan, given: Given) -> Answer:
    """A customer service message, while an act of the person allows one."""
    text, pieces = content_of(given)
    spend(city, fan)
    people.receives(city, fan.customer, "custom", account.app.id, text, pieces)
    return {}


def content_of(given: Given) -> tuple[str, list[dict[str, Any]]]:
    """Text and attachments of a customer service message. Raises CityError 40008, 44004."""
    kind = str(given.get("msgtype"))
    if kind not in _KINDS:
        raise CityError(40008, "invalid message type")
    inner = given.get(kind) or {}
    if not inner or (kind == "text" and not inner.get("content")):
        raise CityError(44004, "empty content")
    if kind == "text":
        return str(inner["content"]), []
    if kind == "news":
        return "", [{"msgtype": "link", "link": dict(one)} for one in inner.get("articles", [])]
    return "", [{"msgtype": kind, kind: dict(inner)}]


def template_send(city: City, app: App, given: Given) -> Answer:
    """A template message; the same client_msg_id sends nothing a second time."""
    account = account_of(city, app)
    fan = account.subscriber(given.get("touser"))
    texts = texts_of(account, given)
    key = (fan.openid, str(given.get("client_msg_id") or ""))
    if key[1] and key in account.sent:
        return {"msgid": account.sent[key]}
    number = account.next_id()
    if key[1]:
        account.sent[key] = number
    blocked = city.dice("template").random() < city.faults.block_rate
    if not blocked:
        notice(city, account, fan, "template", texts, given)
    status = "failed:user block" if blocked else "success"
    tell(city, account, fan, {"Event": "TEMPLATESENDJOBFINISH", "MsgID": number, "Status": status})
    return {"msgid": number}


def bizsend(city: City, app: App, given: Given) -> Answer:
    """A subscription notice, against a grant."""
    account = account_of(city, app)
    fan, texts = account.by_openid(given.get("touser")), texts_of(account, given)
    use_grant(fan, str(given.get("template_id")))
    notice(city, account, fan, "subscribe", texts, given)
    tells_sent(city, account, fan, str(given.get("template_id")))
    return {}


def tells_sent(city: City, account: Account, fan: Fan, template_id: str) -> None:
    """Call back that a subscription notice has gone."""
    answer = {"TemplateId": template_id, "MsgID": account.next_id(), "ErrorCode": 0, "ErrorStatus": "success"}
    tell(city, account, fan, {"Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": answer}})


def texts_of(account: Account, given: Given) -> list[str]:
    """The values of a template's fields, in its order. Raises CityError 40037, 47001, 47003."""
    names, data = account.templates.get(str(given.get("template_id"))), given.get("data")
    if names is None:
        raise CityError(40037, "invalid template_id")
    if not isinstance(data, dict):
        raise CityError(47001, "data format error")
    values = [str((data.get(name) or {}).get("value", "")) for name in names]
    for name, value in zip(names, values, strict=True):
        most = FIELD_CHARS.get(name.rstrip("0123456789"), 32)
        if not 0 < len(value) <= most:
            raise CityError(47003, f"argument invalid! data.{name}.value is empty or longer than {most}")
    return values


def notice(city: City, account: Account, fan: Fan, kind: str, texts: list[str], given: Given) -> None:
    """Put a notice into the phone, with the page it leads to."""
    pieces: list[dict[str, Any]] = []
    page = given.get("miniprogram") or {}
    if path := page.get("pagepath") or given.get("page"):
        inner = {"title": texts[0], "appid": page.get("appid", account.app.id), "page": path}
        pieces = [{"msgtype": "miniprogram", "miniprogram": inner}]
    elif url := given.get("url"):
        pieces = [{"msgtype": "link", "link": {"title": texts[0], "url": url}}]
    people.receives(city, fan.customer, kind, account.app.id, "\n".join(texts), pieces)


def user_info(city: City, app: App, given: Given) -> Answer:
    """One follower, without name or picture; of somebody who left only that."""
    fan = account_of(city, app).by_openid(given.get("openid"))
    if not fan.subscribed:
        return {"subscribe": 0, "openid": fan.openid}
    number = int(fan.scene) if fan.scene.isdigit() else 0
    found = {
        "subscribe": 1, "openid": fan.openid, "language": "zh_CN", "subscribe_time": fan.subscribe_time,
        "remark": fan.remark, "groupid": fan.tags[0] if fan.tags else 0, "tagid_list": fan.tags,
        "subscribe_scene": fan.subscribe_scene, "qr_scene": number, "qr_scene_str": "" if number else fan.scene,
    }  # fmt: skip
    return found | ({"unionid": fan.customer.unionid} if city.settings.contacts.unionid_bound else {})


def user_infos(city: City, app: App, given: Given) -> Answer:
    wanted = given.get("user_list") or []
    if not 0 < len(wanted) <= 100:
        raise CityError(40032, "invalid openid list size")
    return {"user_info_list": [user_info(city, app, one) for one in wanted]}


def user_get(city: City, app: App, given: Given) -> Answer:
    """Ten thousand followers per page, in the order in which they came; the next page begins after `next_openid`."""
    everybody = [fan.openid for fan in account_of(city, app).fans.values() if fan.subscribed]
    return {"total": len(everybody)} | _page(everybody, given)


def _page(everybody: list[str], given: Given) -> Answer:
    after = str(given.get("next_openid") or "")
    if after and after not in everybody:
        raise CityError(40003, "invalid next_openid")
    start = everybody.index(after) + 1 if after else 0
    page = everybody[start : start + 10_000]
    data = {"data": {"openid": page}} if page else {}
    return {"count": len(page), **data, "next_openid": page[-1] if page else ""}


def user_remark(city: City, app: App, given: Given) -> Answer:
    account_of(city, app).subscriber(given.get("openid")).remark = str(given.get("remark", ""))[:30]
    return {}


def tag_create(city: City, app: App, given: Given) -> Answer:
    account, name = account_of(city, app), str((given.get("tag") or {}).get("name", ""))
    _free_name(account, name)
    if len(account.tags) - 1 >= city.settings.oa.tags:
        raise CityError(45056, "too many tags")
    number = max(100, *account.tags) + 1
    account.tags[number] = name
    return {"tag": {"id": number, "name": name}}


def _free_name(account: Account, name: str) -> None:
    """Raises CityError 45157, 45158."""
    if not name or name in account.tags.values():
        raise CityError(45157, "tag name is empty or exists")
    if len(name) > 30:
        raise CityError(45158, "tag name too long")


def tag_list(city: City, app: App, _: Given) -> Answer:
    account = account_of(city, app)
    used = [tag for fan in account.fans.values() for tag in fan.tags]
    return {"tags": [{"id": n, "name": name, "count": used.count(n)} for n, name in account.tags.items()]}


def tag_update(city: City, app: App, given: Given) -> Answer:
    account, tag = account_of(city, app), given.get("tag") or {}
    number = _own_tag(account, tag.get("id"))
    _free_name(account, str(tag.get("name", "")))
    account.tags[number] = str(tag["name"])
    return {}


def tag_delete(city: City, app: App, given: Given) -> Answer:
    account = account_of(city, app)
    number = _own_tag(account, (given.get("tag") or {}).get("id"))
    del account.tags[number]
    for fan in account.fans.values():
        fan.tags = [one for one in fan.tags if one != number]
    return {}


def _own_tag(account: Account, number: Any) -> int:
    """Raises CityError 45159 for an unknown tag, 45058 for one of the platform's."""
    if number not in account.tags:
        raise CityError(45159, "invalid tag id")
    if number < 100:
        raise CityError(45058, "can't modify sys tag")
    return int(number)


def tag_members(city: City, app: App, given: Given) -> Answer:
    """Put a tag on up to fifty followers."""
    fans, number = _tagging(city, app, given)
    if any(number not in fan.tags and len(fan.tags) >= city.settings.oa.tags_per_fan for fan in fans):
        raise CityError(45059, "too many tags for a user")
    for fan in fans:
        fan.tags = list(dict.fromkeys([*fan.tags, number]))
    return {}


def untag_members(city: City, app: App, given: Given) -> Answer:
    fans, number = _tagging(city, app, given)
    for fan in fans:
        fan.tags = [one for one in fan.tags if one != number]
    return {}


def _tagging(city: City, app: App, given: Given) -> tuple[list[Fan], int]:
    account, wanted = account_of(city, app), given.get("openid_list") or []
    if not 0 < len(wanted) <= city.settings.oa.batch_tag:
        raise CityError(40032, "invalid openid list size")
    if given.get("tagid") not in account.tags:
        raise CityError(45159, "invalid tag id")
    return [account.subscriber(one) for one in wanted], int(given["tagid"])


def tags_of(city: City, app: App, given: Given) -> Answer:
    return {"tagid_list": account_of(city, app).subscriber(given.get("openid")).tags}


def tag_fans(city: City, app: App, given: Given) -> Answer:
    account = account_of(city, app)
    if given.get("tagid") not in account.tags:
        raise CityError(45159, "invalid tag id")
    return _page([fan.openid for fan in account.fans.values() if given["tagid"] in fan.tags], given)


def oauth_token(city: City, _: App | None, given: Given) -> Answer:
    """The code of a web login for an openid: once, within five minutes."""
    app = app_with_secret(city, given)
    customer = city.part(Logins).use(city, app, str(given.get("code", "")))
    fan = account_of(city, app).fans.get(city.openid(customer, app.id))
    unionid = {"unionid": customer.unionid} if fan and fan.subscribed else {}
    return {
        "access_token": city.new_id("OT", 64), "expires_in": 7200, "refresh_token": city.new_id("RT", 64),
        "openid": city.openid(customer, app.id), "scope": "snsapi_base", **unionid,
    }  # fmt: skip


class Logins:
    """Codes that stand for a person who logs in or shares a phone number: each once, and for a while."""

    def __init__(self) -> None:
        self.codes: dict[str, tuple[str, people.Customer, int]] = {}
        self.used: set[str] = set()

    def new(self, city: City, app: App, customer: people.Customer) -> str:
        """A code as the page or mini-program of the app would get it."""
        code = city.new_id("0c")
        self.codes[code] = (app.id, customer, city.stamp() + city.settings.mp.code_ttl_s)
        return code

    def use(self, city: City, app: App, code: str) -> people.Customer:
        """Raises CityError 40163 for a used code, 40029 for one that is unknown, of another app or too old."""
        if code in self.used:
            raise CityError(40163)
        app_id, customer, until = self.codes.get(code, ("", None, 0))
        if customer is None or app_id != app.id or until <= city.stamp():
            raise CityError(40029)
        self.used.add(code)
        return customer


_NOTICE = "touser template_id data miniprogram"
PATHS = under(
    "cgi-bin/",
    {
        "qrcode/create": post(create_qr, "expire_seconds action_name action_info"),
        "message/custom/send": post(custom_send, "touser msgtype customservice " + " ".join(_KINDS)),
        "message/template/send": post(template_send, f"{_NOTICE} url client_msg_id"),
        "message/subscribe/bizsend": post(bizsend, f"{_NOTICE} page"),
        "user/info": get(user_info, "openid lang"),
        "user/info/batchget": post(user_infos, "user_list"),
        "user/info/updateremark": post(user_remark, "openid remark"),
        "user/get": get(user_get, "next_openid"),
        "tags/create": post(tag_create, "tag"),
        "tags/get": get(tag_list),
        "tags/update": post(tag_update, "tag"),
        "tags/delete": post(tag_delete, "tag"),
        "tags/members/batchtagging": post(tag_members, "openid_list tagid"),
        "tags/members/batchuntagging": post(untag_members, "openid_list tagid"),
        "tags/getidlist": post(tags_of, "openid"),
        "user/tag/get": post(tag_fans, "tagid next_openid"),
    },
) | {
    "sns/oauth2/access_token": get(oauth_token, "appid secret code grant_type", free=True),
    **TOKENS,
}
