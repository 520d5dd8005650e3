"""Moments of the corp: a job that takes a while, staff who publish, customers who see, like and comment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import DAY, day_of, listed, need, number, page, span
from yutang.emulator.errors import CityError
from yutang.emulator.people import ACTIVE, Customer, receives
from yutang.emulator.wecom import attachments, codes, tags
from yutang.emulator.wecom.tasks import CANCELLED, SENT, UNSENT, Task

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

STARTED, RUNNING, DONE = 1, 2, 3
MOMENT = "moment"
SCENE = 1
TEXT_BYTES = 4000
EITHER, BY_CORP = 2, 0


@dataclass
class Moment:
    """One post. seen: who can see it, by staff member; reactions: (userid, external_userid, comment?, at)."""

    moment_id: str
    jobid: str
    text: str
    attachments: list[dict[str, Any]]
    made_at: int
    tasks: dict[str, Task] = field(default_factory=dict)
    partly: bool = False
    invalid: dict[str, list[Any]] = field(default_factory=dict)
    seen: dict[str, list[str]] = field(default_factory=dict)
    reactions: list[tuple[str, str, bool, int]] = field(default_factory=list)


@dataclass
class Posts:
    """By moment_id, moment_id by jobid, and the days on which a customer saw one."""

    moments: dict[str, Moment] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    ledger: dict[str, list[int]] = field(default_factory=dict)


def add(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/add_moment_task."""
    limits, kept, now = city.settings.moments, city.part(Posts), city.stamp()
    if sum(1 for one in kept.moments.values() if one.made_at > now - 60) >= limits.per_min:
        raise CityError(45009)
    if sum(1 for one in kept.moments.values() if _state(city, one) != DONE) >= limits.running_jobs:
        raise CityError(41078)
    text, extra = attachments.content(city, given, limits.images, TEXT_BYTES, SCENE)
    if len(text) > limits.text_chars:
        raise CityError(40058, f"text.content should have at most {limits.text_chars} characters")
    _check_kinds(extra)
    moment = Moment(city.new_id("mom"), city.new_id("J"), text, extra, now)
    _address(city, app, moment, given.get("visible_range") or {})
    kept.moments[moment.moment_id], kept.jobs[moment.jobid] = moment, moment.moment_id
    return {"jobid": moment.jobid}


def _check_kinds(extra: list[dict[str, Any]]) -> None:
    kinds = {one["msgtype"] for one in extra}
    if len(kinds) > 1 or kinds - {"image", "video", "link"}:
        raise CityError(41065, "a moment has images, or one video, or one link")
    if kinds & {"video", "link"} and len(extra) > 1:
        raise CityError(41064)


def _address(city: City, app: App, moment: Moment, wanted: dict[str, Any]) -> None:
    """Who publishes, and to whom: everybody in range, named senders, followers of tagged customers, or both."""
    senders, tagged = wanted.get("sender_list") or {}, (wanted.get("external_contact_list") or {}).get("tag_list") or []
    users = listed(senders, "user_list", city.settings.moments.users)
    parties = senders.get("department_list") or []
    known = city.part(tags.Tags).tags
    wrong = [one for one in tagged if one not in known or known[one].deleted]
    able = {one.userid for one in city.people.staff.values() if one.status == ACTIVE and one.feature}
    able = {one for one in able if app.sees(one)}
    moment.invalid = {"users": [one for one in users if one not in able], "parties": [], "tags": wrong}
    chosen = set(codes.members(city, users, parties)) & able if users or parties else able
    good = set(tagged) - set(wrong)
    moment.partly = bool(tagged)
    for userid in sorted(chosen):
        audience = [
            one.external_userid for one in city.people.customers_of(userid) if not tagged or good & set(one.tags)
        ]
        if audience or not tagged or users or parties:
            moment.tasks[userid] = Task(
                MOMENT, moment.moment_id, userid, moment.text, moment.attachments, moment.made_at, audience
            )


def _state(city: City, moment: Moment) -> int:
    age, limits = city.now().timestamp() - moment.made_at, city.settings.moments
    if age < limits.start_s:
        return STARTED
    return RUNNING if age < limits.done_s else DONE


def result(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET externalcontact/get_moment_task_result; readable for a day."""
    kept, jobid = city.part(Posts), need(given, "jobid")
    moment = kept.moments.get(kept.jobs.get(jobid, ""))
    if moment is None or moment.made_at + city.settings.moments.job_ttl_h * 3600 < city.stamp():
        raise CityError(40058, "jobid is unknown or has expired")
    state = _state(city, moment)
    head = {"status": state, "type": "add_moment_task"}
    if state != DONE:
        return head
    invalid = {
        "invalid_sender_list": {"user_list": moment.invalid["users"], "department_list": moment.invalid["parties"]},
        "invalid_external_contact_list": {"tag_list": moment.invalid["tags"]},
    }
    if not moment.tasks:
        return head | {"result": {"errcode": 41048, "errmsg": "no sender"} | invalid}
    return head | {"result": {"errcode": 0, "errmsg": "ok", "moment_id": moment.moment_id} | invalid}


def tasks_of(city: City, userid: str) -> list[Task]:
    """Only of jobs that are done."""
    done = [one for one in city.part(Posts).moments.values() if _state(city, one) == DONE]
    return [one.tasks[userid] for one in done if userid in one.tasks]


def taps(city: City, userid: str, moment_id: str) -> None:
    """The staff member publishes. Raises LookupError when there is nothing to publish yet."""
    task = next((one for one in tasks_of(city, userid) if one.msgid == moment_id), None)
    if task is None:
        raise LookupError(f"{userid} 没有朋友圈 {moment_id}。 {userid} has no moment {moment_id}")
    if userid in city.faults.never_tap or task.status != UNSENT:
        return
    task.status, task.sent_at = SENT, city.stamp()
    kept, limits, today = city.part(Posts), city.settings.moments, day_of(city.stamp())
    seen = kept.moments[moment_id].seen.setdefault(userid, [])
    for external in task.recipients:
        relation, had = city.people.relation(userid, external), kept.ledger.setdefault(external, [])
        if relation and relation.there and sum(1 for day in had if day > today - limits.cap_days * DAY) < limits.cap:
            had.append(today)
            seen.append(external)
            receives(city, city.people.customers[external], MOMENT, userid, task.text, task.attachments)


def reacts(city: City, customer: Customer, moment_id: str, comment: bool) -> None:
    """A like, or a comment. Raises LookupError when the customer does not see the moment."""
    moment = city.part(Posts).moments.get(moment_id)
    poster = next((u for u, seen in moment.seen.items() if customer.external_userid in seen), "") if moment else ""
    if moment is None or not poster:
        raise LookupError(f"{customer.name} 看不到 {moment_id}。 {customer.name} does not see {moment_id}")
    moment.reactions.append((poster, customer.external_userid, comment, city.stamp()))


def _moment(city: City, given: dict[str, Any]) -> Moment:
    moment = city.part(Posts).moments.get(need(given, "moment_id", 41059))
    if moment is None:
        raise CityError(41060)
    if _state(city, moment) != DONE:
        raise CityError(41079)
    return moment


def _published(city: City, given: dict[str, Any]) -> tuple[Moment, str]:
    moment, userid = _moment(city, given), need(given, "userid")
    if userid not in moment.tasks:
        raise CityError(41061)
    if moment.tasks[userid].status != SENT:
        raise CityError(41062)
    return moment, userid


def cancel(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/cancel_moment_task."""
    for task in _moment(city, given).tasks.values():
        task.status = CANCELLED if task.status == UNSENT else task.status
    return {}


def listing(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_moment_list."""
    limits, asked = city.settings.moments, span(given, city.settings.stats.span_d)
    done = (one for one in city.part(Posts).moments.values() if _state(city, one) == DONE and one.made_at in asked)
    wanted = number(given, "filter_type", EITHER) in (EITHER, BY_CORP) and not given.get("creator")
    found, cursor = page(city, given, done if wanted else [], limits.list_page)
    return {"moment_list": [_head(one) for one in found], "next_cursor": cursor}


def _head(moment: Moment) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "moment_id": moment.moment_id, "creator": "", "create_time": str(moment.made_at), "create_type": BY_CORP,
        "visible_type": int(not moment.partly), "text": {"content": moment.text},
    }  # fmt: skip
    for one in moment.attachments:
        kind = one["msgtype"]
        if kind == "image":
            shown.setdefault("image", []).append(one[kind])
        else:
            shown[kind] = one[kind]
    return shown


def tasks(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_moment_task."""
    limits, moment = city.settings.moments, _moment(city, given)
    rows = [{"userid": one.userid, "publish_status": int(one.status == SENT)} for one in moment.tasks.values()]
    found, cursor = page(city, given, rows, limits.task_page, limits.task_default)
    return {"task_list": found, "next_cursor": cursor}


def _rows(userid: str, externals: Iterable[str]) -> list[dict[str, Any]]:
    return [{"external_userid": one, "userid": userid} for one in externals]


def audience(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_moment_customer_list: whom it was meant for."""
    moment, userid = _moment(city, given), need(given, "userid")
    if userid not in moment.tasks:
        raise CityError(41061)
    rows = _rows(userid, moment.tasks[userid].recipients)
    found, cursor = page(city, given, rows, city.settings.moments.customers_page)
    return {"customer_list": found, "next_cursor": cursor}


def seen(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_moment_send_result: who can see it."""
    limits, (moment, userid) = city.settings.moments, _published(city, given)
    rows = [{"external_userid": one} for one in moment.seen.get(userid, [])]
    found, cursor = page(city, given, rows, limits.result_page, limits.result_default)
    return {"customer_list": found, "next_cursor": cursor}


def comments(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_moment_comments: who and when, never the words."""
    moment, userid = _published(city, given)
    rows = [
        (comment, {"external_userid": who, "create_time": at})
        for by, who, comment, at in moment.reactions
        if by == userid
    ]
    return {
        "comment_list": [row for comment, row in rows if comment],
        "like_list": [row for comment, row in rows if not comment],
    }
