"""Every table, and what becomes of a person's rows in it. A table that is not in this list fails a test.

deleted: the rows go. emptied: the rows stay for the sums, without anything of the person. nothing: it never holds anything of a
person but, at most, a number behind which there is nobody any more.

`found` is the condition on alias ``t`` that finds a person's rows, for the export and for the proof that nothing is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fate = Literal["deleted", "emptied", "nothing"]

PERSON = "t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[])"
NUMBER = "t.person_id = any(%(persons)s::bigint[])"
TOUCH = "t.touch_id = any(%(touches)s::bigint[])"
EVENT = "t.event_id = any(%(events)s::bigint[])"
_ACCOUNT = "t.account = any(%(accounts)s::text[]) and "
OPENID = _ACCOUNT + "t.openid = any(%(names)s::text[])"
EXTERNAL = _ACCOUNT + "t.external_userid = any(%(names)s::text[])"
SERVICE = (
    "t.open_kfid = any(array(select k.open_kfid from kf_account k)) and t.external_userid = any(%(names)s::text[])"
)


@dataclass(frozen=True)
class Table:
    """One table. zh, en: of what is emptied, what stays and why; of what holds nothing, only where one could think that it did."""

    name: str
    fate: Fate
    found: str = ""
    zh: str = ""
    en: str = ""


def _deleted(found: str, *names: str) -> tuple[Table, ...]:
    return tuple(Table(name, "deleted", found) for name in names)


def _emptied(name: str, found: str, zh: str, en: str) -> Table:
    return Table(name, "emptied", found, zh, en)


def _nothing(*names: str) -> tuple[Table, ...]:
    return tuple(Table(name, "nothing") for name in names)


def _number(name: str, zh: str, en: str) -> Table:
    return Table(name, "nothing", zh=zh, en=en)


TABLES: tuple[Table, ...] = (
    # the door
    _emptied(
        "event", EVENT, "来源与来源的编号、时间、所属导入：同一事件再来时认得出，不再收",
        "source and the source's id, times, import: so that the same event is known when it comes again, and is not taken in",
    ),
    *_deleted("t.reject_id = any(%(rejects)s::bigint[])", "reject"),
    _number("import", "文件名与行数", "the file's name and its counts"),
    _number("event_undone", "只有事件编号", "numbers of events alone"),
    *_nothing("source", "history_edge"),
    # who
    _emptied(
        "person", PERSON, "编号与抹去的时间：迟到的消息据此知道已无此人", "the number and when it was erased: what comes late finds nobody"
    ),
    _emptied(
        "erased_order", PERSON, "订单与退款的时间、金额、毛利：实验的合计不变；订单号已换成无人能还原的记号",
        "time, amount and margin of orders and refunds: sums of experiments stay; order numbers are names that mean nothing",
    ),
    *_deleted(NUMBER, "handle"),
    *_deleted("(t.winner_id = any(%(persons)s::bigint[]) or t.loser_id = any(%(persons)s::bigint[]))", "merge_log"),
    *_deleted("(t.person_a = any(%(persons)s::bigint[]) or t.person_b = any(%(persons)s::bigint[]))", "keep_apart"),
    *_deleted("t.persons && %(persons)s::bigint[]", "identity_case"),
    *_deleted(PERSON, "person_event", "person_past"),
    *_deleted(EVENT, "event_ahead"),
    _number("event_again", "只有事件编号，读过即无用", "numbers of events alone, of no use once they are read"),
    # what is known
    *_deleted(PERSON, "trait", "tag", "consent", "tally", "profile", "prediction", "product_prediction"),
    _number("profile_due", "只有编号，读过即无用", "numbers alone, for readers of news"),
    _emptied(
        "tag_change", "t.persons && %(persons)s::bigint[]", "谁在何时给多少人加减标签；名单里的这一位换成 0",
        "who gave a tag to how many, and when; the person's place in the list says 0",
    ),
    # what is owed
    _emptied(
        "coupon", PERSON, "优惠、面额、时间与结局：库存、预算与核销率不变；券码已换成无人能还原的记号；未用的券作废并释放预算",
        "offer, worth, times and end: stock, budget and rates stay; codes are names that mean nothing; what was open ran out and freed "
        "its budget",
    ),
    _emptied(
        "redemption", PERSON, "何时核销、优惠了多少：支出与实验不变；券码、订单号、请求号已换成无人能还原的记号",
        "when and what it cost: spending and experiments stay; codes, orders and requests are names that mean nothing",
    ),
    *_deleted("t.mark = any(%(keys)s::uuid[]) and t.touch_id = any(%(touches)s::bigint[])", "coupon_mark"),
    *_deleted(PERSON, "ladder", "ladder_aside", "offer_refusal"),
    _number("coupon_news", "只有编号，读过即无用", "numbers alone, for readers of news"),
    _number("ladder_news", "只有编号，读过即无用", "numbers alone, for readers of news"),
    _number("ladder_due", "只有编号与时刻，到时即删", "numbers and times alone; a row goes when its time has come"),
    _number("prediction_news", "只有编号，读过即无用", "numbers alone, for readers of news"),
    *_nothing("stock", "ladder_intake"),
    # segments and journeys
    *_deleted(PERSON, "membership", "segment_due"),
    _emptied(
        "enrolment", PERSON, "何时进入哪个旅程的哪一组、如何结束：实验不变；进行中的已移出",
        "which journey and arm, when, and how it ended: experiments stay; what was under way was ended",
    ),
    _emptied("step", PERSON, "走过哪些步骤及时间：旅程各步的人数不变", "the steps that were passed, and when: counts of steps stay"),
    *_deleted("t.bucket = any(%(buckets)s::smallint[]) and t.persons && %(persons)s::bigint[]", "proposal"),
    *_deleted(PERSON, "call"),
    *_nothing("identity_state", "pond_followed", "channel_reach", "segment_state", "segment_lane", "journey_state", "journey_schedule", "journey_firing"),
    # what was said
    _emptied(
        "touch", PERSON, "哪条消息、何时、是否放行：触达与实验的合计不变；券码与判断过程已清空",
        "which message, when, sent or not: sums of touches and experiments stay; the coupon and the facts of the verdicts are gone",
    ),
    _emptied(
        "attempt", PERSON, "经哪个渠道、何时、是否发出：费用与配额不变；在途的已终止",
        "by which channel, when, sent or not: costs stay; what was on its way was ended",
    ),
    *_deleted(PERSON, "tag_end", "sandbox_message"),
    *_deleted(NUMBER, "sandbox_answer"),
    _emptied(
        "staff_task", PERSON, "哪位员工、何时、如何结束：员工任务的合计不变；内容已清空，未完成的已撤下",
        "whose task, when, and how it ended: counts of tasks stay; the words are gone, open ones were dropped",
    ),
    # platforms
    *_deleted(
        f"({NUMBER} or {TOUCH} or exists (select from jsonb_each_text(t.handles) as h where h.value = any(%(names)s::text[])))",
        "channel_news",
    ),
    *_deleted(EXTERNAL, "wecom_relation", "wecom_contact", "wecom_wish", "wecom_welcome"),
    *_deleted(_ACCOUNT + "t.member = any(%(names)s::text[]) and t.kind = 'customer'", "wecom_group_member"),
    *_deleted(_ACCOUNT + "t.kind in ('contact', 'mirror') and t.key = any(%(names)s::text[])", "wecom_errand"),
    *_deleted(_ACCOUNT + "t.kind = 'customer' and t.id = any(%(names)s::text[])", "wecom_transfer"),
    *_deleted(TOUCH, "wecom_task_receiver", "wecom_greeting"),
    *_deleted(_ACCOUNT + "t.receiver = any(%(names)s::text[])", "wecom_quota_use"),
    _number(
        "wecom_task", "交给企业微信的名单，得到答复即清空", "whom WeCom is to be asked for, gone as soon as it has answered"
    ),
    *_deleted(OPENID, "oa_fan", "oa_window", "channel_grant", "channel_notice_receipt"),
    *_deleted(TOUCH, "oa_out", "channel_notice", "sms_out", "kf_out"),
    *_deleted(
        "exists (select from oa_out o where o.touch_id = any(%(touches)s::bigint[]) and o.account = t.account and o.msgid = t.msgid)",
        "oa_receipt",
    ),
    *_deleted(
        "exists (select from sms_out o where o.touch_id = any(%(touches)s::bigint[]) and o.account = t.account and o.serial = t.serial)",
        "sms_receipt",
    ),
    *_deleted(
        _ACCOUNT + "exists (select from unnest(%(names)s::text[]) as n (name) where position(n.name in t.key) > 0)",
        "channel_grant_event",
    ),
    *_deleted(SERVICE, "kf_window", "kf_welcome"),
    _number("channel_call", "调用的路径与带密钥的摘要，没有内容", "paths and keyed digests, not what was said"),
    _number("wecom_notice", "发给员工的通知的编号", "ids of notices to staff"),
    *_nothing(
        "channel_account", "channel_token", "channel_window", "channel_slot", "wecom_staff", "wecom_tag", "wecom_group",
        "wecom_code", "wecom_sync", "wecom_login", "wecom_media", "wecom_moment", "wecom_moment_staff", "oa_code", "kf_account",
        "kf_media",
    ),
    # the console
    _emptied(
        "audit", "t.object = any(array(select 'person/' || u.id from unnest(%(persons)s::bigint[]) as u (id)))",
        "谁在何时对这个编号做了什么；细节已清空", "who did what to the number, and when; the details are gone",
    ),
    *_deleted(
        "exists (select from unnest(%(asked)s::text[]) as n (name) where length(n.name) >= 6 and position(n.name in t.query) > 0)",
        "saved_view",
    ),
    *_nothing("console_user", "console_session", "api_key", "definition", "plan", "plan_log", "publication", "draft_edit"),
    _number("rehearsal", "只有合计", "sums alone"),
    # the lake and the rest
    _number("lake_erased", "编号，使数据湖不再归档此人", "the number, so that the lake archives nothing of it any more"),
    _number("erasure", "本凭据：编号、时间、经手人、各表行数", "this receipt: the number, when, by whom, rows per table"),
    *_nothing("product", "product_number", "reach_rate", "journey_worth"),
    _number("model", "对全体顾客训练所得的参数", "parameters fitted to everybody"),
    *_nothing("model_drift", "lake_state", "lake_file", "stage_cursor", "schema_version", "secret_mark"),
)  # fmt: skip
BY_NAME = {table.name: table for table in TABLES}
KEPT = tuple(table for table in TABLES if table.fate == "emptied")
ASKED = tuple(table for table in TABLES if table.found)
