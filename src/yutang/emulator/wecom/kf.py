"""Customer service accounts: sessions that a customer opens, messages by API within their window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import listed, need
from yutang.emulator.errors import CityError
from yutang.emulator.people import Customer, receives
from yutang.emulator.tokens import CUSTOMER_SERVICE
from yutang.emulator.wecom import media

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

FROM_CUSTOMER, FROM_SYSTEM = 3, 4
NEW, BOT, QUEUE, HUMAN, ENDED = range(5)
BATCH = 100
REFUSED_BY_CUSTOMER = 10
"""The fail_type of a message that was taken and did not arrive, because the customer wants none."""


@dataclass
class Session:
    """One customer with one account: when the customer last wrote, how many answers that left, and whether any arrive."""

    state: int = NEW
    servicer: str = ""
    wrote_at: int = 0
    answers: int = 0
    shut: bool = False


@dataclass
class Kf:
    """Accounts by open_kfid (their names), those of apps, what was said, until when the tokens of events are good, welcome
    codes, messages by (account, their sender's own id)."""

    accounts: dict[str, str] = field(default_factory=dict)
    of_apps: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)
    sessions: dict[tuple[str, str], Session] = field(default_factory=dict)
    codes: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)


def add(city: City, name: str) -> str:
    """A new account; returns its open_kfid."""
    open_kfid = city.new_id("wk")
    city.part(Kf).accounts[open_kfid] = name
    return open_kfid


def of_app(city: City, name: str) -> str:
    """The account that an app of this name looks after; opened at first use."""
    kept = city.part(Kf).of_apps
    if name not in kept:
        kept[name] = add(city, f"{city.corp_name}客服")
    return kept[name]


def accounts(city: City, _: App, __: dict[str, Any]) -> dict[str, Any]:
    """GET kf/account/list."""
    rows = [{"open_kfid": one, "name": name, "avatar": ""} for one, name in city.part(Kf).accounts.items()]
    return {"account_list": rows}


def contact_way(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST kf/add_contact_way: a link that opens a session; `scene` comes back."""
    open_kfid = _account(city, given)
    url = f"{city.address}/city/kf/{open_kfid}?scene={given.get('scene', '')}"
    city.part(Kf).urls[url] = open_kfid
    return {"url": url}


def _account(city: City, given: dict[str, Any]) -> str:
    open_kfid = need(given, "open_kfid")
    if open_kfid not in city.part(Kf).accounts:
        raise CityError(95000)
    return open_kfid


def scanned(city: City, customer: Customer, code: str) -> bool:
    """A customer opens a session; a first one gives a welcome code."""
    kept = city.part(Kf)
    open_kfid = kept.urls.get(code, "") or (code if code in kept.accounts else "")
    if not open_kfid:
        return False
    scene = code.partition("scene=")[2]
    event = {"event_type": "enter_session", "open_kfid": open_kfid, "scene": scene}
    event["external_userid"] = customer.external_userid
    key = (open_kfid, customer.external_userid)
    if key not in kept.sessions:
        kept.sessions[key] = Session()
        welcome = city.new_id("WK")
        kept.codes[welcome] = (*key, city.now().timestamp() + city.settings.kf.welcome_s)
        event["welcome_code"] = welcome
    _say(city, open_kfid, customer, FROM_SYSTEM, {"msgtype": "event", "event": event})
    return True


def heard(city: City, customer: Customer, to: str, text: str) -> bool:
    """A customer writes."""
    kept = city.part(Kf)
    if to not in kept.accounts:
        return False
    session = kept.sessions.setdefault((to, customer.external_userid), Session())
    session.wrote_at, session.answers = city.stamp(), city.settings.kf.msgs
    _say(city, to, customer, FROM_CUSTOMER, {"msgtype": "text", "text": {"content": text}})
    return True


def blocks(city: City, customer: Customer, open_kfid: str) -> None:
    """The customer wants nothing more from this account: messages are taken, and reported as failed."""
    city.part(Kf).sessions.setdefault((open_kfid, customer.external_userid), Session()).shut = True


def _say(city: City, open_kfid: str, customer: Customer, origin: int, what: dict[str, Any]) -> None:
    head = {"msgid": city.new_id("km"), "open_kfid": open_kfid, "send_time": city.stamp(), "origin": origin}
    who = {} if origin == FROM_SYSTEM else {"external_userid": customer.external_userid}
    kept, token = city.part(Kf), city.new_id("KT")
    kept.said.append(head | who | what)
    kept.tokens[token] = city.now().timestamp() + city.settings.kf.token_s
    city.tell("kf_msg_or_event", "", {"Token": token, "OpenKfId": open_kfid}, CUSTOMER_SERVICE)


def sync(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST kf/sync_msg: what was said since the cursor, of the last three days; a cursor comes back at the end, too."""
    limits, open_kfid = city.settings.kf, _account(city, given)
    oldest = city.stamp() - limits.history_d * 86_400
    kept = city.part(Kf)
    if (token := given.get("token")) and kept.tokens.get(token, 0) < city.now().timestamp():
        raise CityError(95007)
    said = kept.said
    start = int(given.get("cursor") or 0) if str(given.get("cursor") or 0).isdigit() else 0
    asked = int(given.get("limit") or 0)
    size = asked if 0 < asked <= limits.page else limits.page
    window = said[start : start + size]
    rows = [one for one in window if one["open_kfid"] == open_kfid and one["send_time"] >= oldest]
    end = start + len(window)
    return {"msg_list": rows, "next_cursor": str(end), "has_more": int(end < len(said))}


def send(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST kf/send_msg: five within 48 hours of the customer's last words; a msgid of the sender's own goes once."""
    kept, limits, open_kfid = city.part(Kf), city.settings.kf, _account(city, given)
    customer = _touser(city, given)
    if (mine := given.get("msgid")) and (open_kfid, mine) in kept.done:
        if limits.repeat_code:
            raise CityError(limits.repeat_code)
        return {"msgid": mine}
    session = kept.sessions.get((open_kfid, customer.external_userid), Session())
    if session.wrote_at + limits.window_h * 3600 < city.stamp():
        raise CityError(95002)
    if session.answers <= 0:
        raise CityError(95001)
    message = _message(city, given)
    session.answers -= 1
    msgid = mine or city.new_id("km")
    kept.done.add((open_kfid, msgid))
    if session.shut:
        _fails(city, open_kfid, customer, msgid)
    else:
        receives(city, customer, "kf", open_kfid, *message)
    return {"msgid": msgid}


def _touser(city: City, given: dict[str, Any]) -> Customer:
    customer = city.people.customers.get(need(given, "touser"))
    if customer is None:
        raise CityError(40096)
    return customer


def _message(city: City, given: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The words, or the card. Raises CityError 40058, 40007."""
    kind = need(given, "msgtype")
    body = need(given, kind)
    if kind in ("link", "miniprogram"):
        for name in ("title", "url") if kind == "link" else ("appid", "pagepath"):
            need(body, name)
        media.alive(city, need(body, "thumb_media_id"))
    if kind != "text":
        return "", [{"msgtype": kind, kind: body}]
    if len(need(body, "content").encode()) > (most := city.settings.kf.text_bytes):
        raise CityError(40058, f"text.content should have at most {most} bytes")
    return body["content"], []


def _fails(city: City, open_kfid: str, customer: Customer, msgid: str) -> None:
    event = {"event_type": "msg_send_fail", "open_kfid": open_kfid, "external_userid": customer.external_userid}
    event |= {"fail_msgid": msgid, "fail_type": REFUSED_BY_CUSTOMER}
    _say(city, open_kfid, customer, FROM_SYSTEM, {"msgtype": "event", "event": event})


def send_on_event(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST kf/send_msg_on_event: the welcome, with a code that lives twenty seconds."""
    kept, code = city.part(Kf), need(given, "code")
    if need(given, "msgtype") not in ("text", "msgmenu"):
        raise CityError(40058, "msgtype should be text or msgmenu")
    message = _message(city, given)
    open_kfid, external, ends = kept.codes.pop(code, ("", "", 0))
    if not open_kfid or ends < city.now().timestamp():
        raise CityError(41050)
    receives(city, city.people.customers[external], "kf", open_kfid, *message)
    return {"msgid": given.get("msgid") or city.new_id("km")}


def _session(city: City, given: dict[str, Any]) -> Session:
    key = (_account(city, given), need(given, "external_userid"))
    return city.part(Kf).sessions.setdefault(key, Session())


def state(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST kf/service_state/get."""
    session = _session(city, given)
    return {"service_state": session.state} | ({"servicer_userid": session.servicer} if session.servicer else {})


def trans(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST kf/service_state/trans."""
    session = _session(city, given)
    session.state, session.servicer = int(given.get("service_state") or NEW), given.get("servicer_userid") or ""
    return {}


def customers(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST kf/customer/batchget."""
    wanted = listed(given, "external_userid_list", BATCH)
    found = [one for one in map(city.people.customers.get, wanted) if one]
    rows = [
        {
            "external_userid": one.external_userid,
            "nickname": one.name,
            "avatar": "",
            "gender": one.gender,
            "unionid": one.unionid,
        }
        for one in found
    ]
    return {
        "customer_list": rows,
        "invalid_external_userid": [one for one in wanted if one not in city.people.customers],
    }
