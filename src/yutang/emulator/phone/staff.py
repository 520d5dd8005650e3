"""The staff member's phone: tasks to send, customers, chats, groups, resignation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from yutang.emulator.people import ACTIVE
from yutang.emulator.phone import chats
from yutang.emulator.phone.page import Asked, Form, Who, act, city_of, clock, customer_of, pieces_of, show, staff_of
from yutang.emulator.wecom import tags
from yutang.emulator.wecom.tasks import CANCELLED, SENT, UNSENT

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.people import Relation

KINDS = {"single": "群发给客户 To customers", "group": "群发到群 To groups", "moment": "朋友圈 Moments"}
STATES = {UNSENT: "待发送 to send", SENT: "已发送 sent", CANCELLED: "已取消 cancelled"}


@get("/s/{who:str}", sync_to_thread=True)
def to_do(request: Asked, who: Who) -> Response[str]:
    """Tasks, what waits first."""
    city, staff = city_of(request), staff_of(request, who)
    tasks = sorted(city.tasks(who), key=lambda one: (one.status != UNSENT, -one.made_at))
    return show(
        request,
        "staff_tasks.html",
        (staff.name, "To do"),
        who,
        "/phone",
        root=f"/phone/s/{who}",
        tasks=[_task(city, one) for one in tasks[:40]],
    )


def _task(city: City, task: Any) -> dict[str, Any]:
    return {
        "id": task.msgid,
        "kind": KINDS.get(task.kind, task.kind),
        "done": task.status != UNSENT,
        "state": STATES[task.status],
        "at": clock(datetime.fromtimestamp(task.made_at, UTC)),
        "text": task.text,
        "pieces": pieces_of(city, task.attachments),
        "audience": f"{len(task.recipients)} 个对象 recipients"
        + (f" · 已催 {task.reminded} 次 reminded" if task.reminded else ""),
    }


@post("/s/{who:str}/send", sync_to_thread=True)
def send(request: Asked, who: Who, data: Form) -> Redirect:
    """The tap that sends."""
    city = city_of(request)
    staff_of(request, who)
    return act(request, who, lambda: city.taps(who, data.get("task", "")), f"/phone/s/{who}", "已发送。 Sent.")


@get("/s/{who:str}/customers", sync_to_thread=True)
def customers(request: Asked, who: Who) -> Response[str]:
    """Everybody this member of staff serves."""
    city, staff = city_of(request), staff_of(request, who)
    root = f"/phone/s/{who}"
    with city.lock:
        relations = city.people.customers_of(who)
        rows = [
            {
                "href": f"{root}/chat/{one.external_userid}#latest",
                "name": one.remark or city.customer(one.external_userid).name,
                "latest": " · ".join(_tags(city, one)) or "没有标签 no tags",
                "aside": one.state_param,
            }
            for one in relations[::-1]
        ]
    return show(request, "staff_customers.html", (staff.name, "Customers"), who, "/phone", root=root, customers=rows)


def _tags(city: City, relation: Relation) -> list[str]:
    """Names of the corp's tags and of the staff's own."""
    return [*(one["tag_name"] for one in tags.described(city, relation)), *relation.personal]


@get("/s/{who:str}/chat/{customer:str}", sync_to_thread=True)
def chat(request: Asked, who: Who, customer: Who) -> Response[str]:
    """One conversation, from the other side."""
    city, person = city_of(request), customer_of(request, customer)
    staff_of(request, who)
    relation, root = city.relation(who, person), f"/phone/s/{who}"
    return show(
        request,
        "staff_chat.html",
        (person.name, "Chat"),
        who,
        f"{root}/customers",
        root=root,
        customer=customer,
        remark=relation.remark if relation else "",
        tags=_tags(city, relation) if relation else [],
        messages=chats.turned(chats.between(city, person, who), person.name),
    )


@post("/s/{who:str}/chat/{customer:str}", sync_to_thread=True)
def answer(request: Asked, who: Who, customer: Who, data: Form) -> Redirect:
    city, person = city_of(request), customer_of(request, customer)
    staff_of(request, who)
    text = data.get("text", "").strip()[:2000]
    return act(request, who, lambda: city.answers(who, person, text), f"/phone/s/{who}/chat/{customer}#latest")


@post("/s/{who:str}/drop", sync_to_thread=True)
def drop(request: Asked, who: Who, data: Form) -> Redirect:
    """Delete a customer."""
    city, person = city_of(request), customer_of(request, data.get("customer", ""))
    staff_of(request, who)
    to = f"/phone/s/{who}/customers"
    return act(request, who, lambda: city.staff_deletes(who, person), to, "已删除。 Deleted.")


@get("/s/{who:str}/me", sync_to_thread=True)
def me(request: Asked, who: Who) -> Response[str]:
    city, staff = city_of(request), staff_of(request, who)
    state = "在职 active" if staff.status == ACTIVE else "已离职 left"
    names = "、".join(one.name for one in city.chats(who)) or "—"
    ids = [("userid", who), ("状态 status", state), ("客户群 groups", names)]
    return show(request, "staff_me.html", (staff.name, "Me"), who, "/phone", root=f"/phone/s/{who}", ids=ids)


@post("/s/{who:str}/group", sync_to_thread=True)
def make_group(request: Asked, who: Who, data: Form) -> Redirect:
    city = city_of(request)
    staff_of(request, who)
    name = data.get("name", "").strip()[:40]
    return act(request, who, lambda: name and city.makes_group(who, name), f"/phone/s/{who}/me", "已建群。 Created.")


@post("/s/{who:str}/resign", sync_to_thread=True)
def resign(request: Asked, who: Who, data: Form) -> Redirect:
    """Leave the corp, when the box is ticked."""
    city = city_of(request)
    staff_of(request, who)
    if data.get("sure") != "yes":
        return Redirect(f"/phone/s/{who}/me", status_code=303)
    return act(request, who, lambda: city.resigns(who), f"/phone/s/{who}/me", "已离职。 You have left.")


ROUTES: list[HTTPRouteHandler] = [to_do, send, customers, chat, answer, drop, me, make_group, resign]
