"""The frozen words that every stage shares: whom a stage looks at, what it reports, why it says no."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

BUCKETS = 1024
"""How many units of work the people are cut into; a person's bucket is ``person_id % BUCKETS``."""


class Counts(Counter[str]):
    """What one run of a stage did: a noun and how many, for example ``{"touch": 12}``.

    An empty or all-zero count means that nothing was due.
    """

    def busy(self) -> bool:
        """True when the stage found work, so that the loop should run again at once."""
        return any(self.values())


@dataclass(frozen=True)
class Only:
    """The people a stage looks at: a range of buckets, or a few persons by id.

    ``persons`` is the fast path: the same statements, narrowed to these ids.
    """

    lo: int = 0
    hi: int = BUCKETS - 1
    persons: tuple[int, ...] | None = None

    @property
    def buckets(self) -> list[int]:
        """The distinct buckets of ``persons``, the leading key of every person-scoped table."""
        return sorted({person % BUCKETS for person in self.persons or ()})


EVERYBODY = Only()


def bucket_of(person_id: int) -> int:
    """The bucket (0…1023) of a person; the same rule as ``person_id & 1023`` in SQL."""
    return person_id % BUCKETS


class Reason(StrEnum):
    """Why something did not happen. Closed: whatever is refused, held or dropped names one of these."""

    # the door
    BAD_SHAPE = "bad_shape"
    DUPLICATE = "duplicate"
    ID_REUSED = "id_reused"
    UNKNOWN_SOURCE = "unknown_source"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"
    TOO_LARGE = "too_large"
    BAD_JSON = "bad_json"
    BAD_ENCODING = "bad_encoding"
    FORMULA = "formula"
    NOT_SOLD = "not_sold"
    # who
    NO_HANDLE = "no_handle"
    CONFLICT = "conflict"
    # offers
    SOLD_OUT = "sold_out"
    UNKNOWN_CODE = "unknown_code"
    ALREADY_REDEEMED = "already_redeemed"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    NOT_YOURS = "not_yours"
    BELOW_MINIMUM = "below_minimum"
    BELOW_MARGIN = "below_margin"
    OVER_BUDGET = "over_budget"
    TAKEN_BACK = "taken_back"
    HAS_ENOUGH = "has_enough"
    COOL_DOWN = "cool_down"
    STACKING = "stacking"
    RESERVED = "reserved"
    LAPSED = "lapsed"
    UNKNOWN_REQUEST = "unknown_request"
    NO_ORDER = "no_order"
    DAILY_LIMIT = "daily_limit"
    TOO_FAST = "too_fast"
    SHARED = "shared"
    WAITER = "waiter"
    TOO_MANY_TRIES = "too_many_tries"
    # journeys
    LEFT_SEGMENT = "left_segment"
    GOAL_MET = "goal_met"
    REENTRY = "reentry"
    MERGED = "merged"
    PARTED = "parted"
    UNDONE = "undone"
    EXIT_EVENT = "exit_event"
    EXIT_RULE = "exit_rule"
    EDITED = "edited"
    MISSED = "missed"
    # decisions
    NO_ADDRESS = "no_address"
    NO_CONSENT = "no_consent"
    QUIET_HOURS = "quiet_hours"
    CAPPED = "capped"
    OUTBID = "outbid"
    RETRIED = "retried"
    HOLDOUT = "holdout"
    TOO_LATE = "too_late"
    RETIRED = "retired"
    SAID_BEFORE = "said_before"
    ERASED = "erased"
    # delivery
    QUOTA = "quota"
    NO_WINDOW = "no_window"
    NO_GRANT = "no_grant"
    BLOCKED = "blocked"
    NOT_SENT = "not_sent"
    NO_STAFF = "no_staff"
    CALLED_OFF = "called_off"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    CANNOT_RENDER = "cannot_render"
    GAVE_UP = "gave_up"
    INNER_ADDRESS = "inner_address"
    # plans
    UNCHANGED = "unchanged"
    OUTDATED = "outdated"
    PLAN_CLOSED = "plan_closed"
    NOT_APPROVED = "not_approved"
    OWN_PLAN = "own_plan"
    WHERE_TO = "where_to"
    OVER_QUOTA = "over_quota"

    @property
    def zh(self) -> str:
        """The sentence an operator reads in Chinese."""
        return _SENTENCES[self][0]

    @property
    def en(self) -> str:
        """The same sentence in English."""
        return _SENTENCES[self][1]

    @property
    def both(self) -> str:
        """The one after the other, as errors are said."""
        return f"{self.zh}。 {self.en}"


_SENTENCES: dict[Reason, tuple[str, str]] = {
    Reason.BAD_SHAPE: (
        "事件格式不对，请按说明改正后重发",
        "the event does not have the documented shape; mend it and send it again",
    ),
    Reason.DUPLICATE: ("同一事件已收过，不再重复记录", "this event was already received; it is kept once"),
    Reason.ID_REUSED: (
        "同一编号对应了不同内容，保留先到的一条",
        "this id came before with other content; the first one stays",
    ),
    Reason.UNKNOWN_SOURCE: (
        "来源未登记或已停用，请先登记来源",
        "the source is not registered, or was closed; register it first",
    ),
    Reason.TOO_OLD: ("时间早于本塘接受的最早时间", "the time lies before the earliest that this pond accepts"),
    Reason.IN_FUTURE: ("时间在未来，请检查时钟或时区", "the time lies in the future; check the clock or the time zone"),
    Reason.TOO_LARGE: ("内容过大，请拆分后再发", "too large; send it in smaller parts"),
    Reason.BAD_JSON: ("不是合法的 JSON", "this is not valid JSON"),
    Reason.BAD_ENCODING: ("含有非 UTF-8 字节或空字符", "it holds bytes that are not UTF-8, or a NUL character"),
    Reason.NOT_SOLD: (
        "订单没有成交：未付款、已取消、已关闭或已退款",
        "the order is no sale: not paid, cancelled, closed or given back",
    ),
    Reason.FORMULA: (
        "单元格是公式，请粘贴为数值后再导入",
        "a cell holds a formula; paste it as a value and import again",
    ),
    Reason.NO_HANDLE: ("没有任何可识别身份的标识", "no handle tells whose event this is"),
    Reason.CONFLICT: (
        "强标识互相矛盾，未自动合并；请在顾客的「身份」页核对，改正来源",
        "strong handles contradict each other; not merged: look at the person's page, Identity, and mend the source",
    ),
    Reason.SOLD_OUT: ("券已发完", "the coupons have run out"),
    Reason.UNKNOWN_CODE: ("没有这个券码", "there is no such coupon code"),
    Reason.ALREADY_REDEEMED: ("券已核销过", "the coupon was already redeemed"),
    Reason.EXPIRED: ("已过期", "expired"),
    Reason.NOT_YET_VALID: ("还未到可用时间", "not valid yet"),
    Reason.NOT_YOURS: ("券属于另一位顾客", "the coupon belongs to somebody else"),
    Reason.BELOW_MINIMUM: ("未达到使用门槛金额", "the order is below the minimum amount"),
    Reason.BELOW_MARGIN: ("低于毛利底线", "it would fall below the margin floor"),
    Reason.OVER_BUDGET: ("优惠预算已用完", "the offer's budget is used up"),
    Reason.TAKEN_BACK: (
        "消息没有送达，顾客不知道这张券，已收回",
        "the message did not arrive, so the person knows nothing of the coupon; it was taken back",
    ),
    Reason.HAS_ENOUGH: ("这个优惠每人限领的数量已领完", "the person has as many of this offer as one person may have"),
    Reason.COOL_DOWN: ("上一张券发出不久，还在冷却期", "the last coupon was given too recently; the offer cools down"),
    Reason.STACKING: ("不能与本单的另一张券同用", "it does not go together with another coupon on the order"),
    Reason.RESERVED: ("券正被另一笔订单占用", "the coupon is held for another order"),
    Reason.LAPSED: ("占用已释放或已超时，请重新核销", "the hold was released or has lapsed; redeem the coupon again"),
    Reason.UNKNOWN_REQUEST: ("没有这个请求编号的占用", "nothing was held under this request id"),
    Reason.NO_ORDER: ("这份礼品随订单发放，请带上订单号", "this gift goes with an order; name the order"),
    Reason.DAILY_LIMIT: ("今天的次数已到上限", "the limit for one day is reached"),
    Reason.TOO_FAST: ("短时间内用得太频繁，请稍后再试", "too many uses in a short time; try again later"),
    Reason.SHARED: (
        "同一设备或手机号领取的数量已到上限",
        "as many were given to this device or phone number as one may have",
    ),
    Reason.WAITER: ("总等到发券才买，不再加深折扣", "orders only after a rung down, so the ladder goes no deeper"),
    Reason.TOO_MANY_TRIES: ("错误的券码试得太多，请稍后再试", "too many wrong codes; try again later"),
    Reason.LEFT_SEGMENT: ("已离开人群", "the person left the segment"),
    Reason.GOAL_MET: ("目标已达成", "the goal is met"),
    Reason.REENTRY: ("按重入规则不再进入", "the re-entry rule keeps the person out"),
    Reason.MERGED: ("与另一份档案合并，由合并后的档案继续", "merged into another person, who goes on"),
    Reason.PARTED: ("拆分后由另一份档案继续", "the two were parted again; the other goes on"),
    Reason.UNDONE: (
        "触发它的事件已随导入撤回；已发出的不会收回",
        "the event that began it was taken back with its import; what was sent stays sent",
    ),
    Reason.EXIT_EVENT: ("发生了旅程设定的退出事件", "something happened that the journey is to end on"),
    Reason.EXIT_RULE: ("满足了旅程的退出条件", "the journey's exit rule holds"),
    Reason.EDITED: ("旅程改版时移出", "taken out when the journey was edited"),
    Reason.MISSED: (
        "触发时间到时系统未运行，发现时已过有效期，跳过",
        "its time came while nothing ran, and was found too late; passed over",
    ),
    Reason.NO_ADDRESS: ("该渠道没有可用地址", "there is no address for this channel"),
    Reason.NO_CONSENT: ("没有该渠道的同意", "there is no consent for this channel"),
    Reason.QUIET_HOURS: ("当地免打扰时段，稍后再发", "quiet hours where the person lives; it waits"),
    Reason.CAPPED: ("触达次数已到上限，顺延", "the person's contact budget is used up; it waits"),
    Reason.OUTBID: ("名额给了价值更高的触达，顺延", "a touch of higher value took the slot; it waits"),
    Reason.RETRIED: ("有人要求再试，重新裁决", "somebody asked for another try; it is judged anew"),
    Reason.HOLDOUT: ("属于对照组，不触达", "the person is in the holdout group"),
    Reason.TOO_LATE: ("等到了截止时间仍不能发", "its deadline passed before it could be sent"),
    Reason.RETIRED: ("旅程或消息已下线", "the journey or the message was taken out of service"),
    Reason.SAID_BEFORE: (
        "合并前已对同一位顾客说过，不再重复",
        "the same was said before the merge, to whom was merged into the person; once is enough",
    ),
    Reason.ERASED: ("顾客已要求抹去其全部资料", "the person has asked to be erased; nothing is kept or said any more"),
    Reason.QUOTA: ("平台配额已用完，顺延到有配额时", "the platform's quota is used up; it waits until there is more"),
    Reason.NO_WINDOW: (
        "顾客近期没有主动互动，平台不允许此时回复",
        "the person has not written or acted lately, so the platform does not allow an answer now",
    ),
    Reason.NO_GRANT: (
        "顾客没有（或已用完）订阅授权",
        "the person has granted no message of this kind, or used the grant up",
    ),
    Reason.BLOCKED: ("顾客已删除或拉黑", "the person deleted or blocked us"),
    Reason.NOT_SENT: ("员工没有点发送", "the member of staff did not tap send"),
    Reason.NO_STAFF: ("没有负责这位顾客的员工", "no member of staff is responsible for the person"),
    Reason.CALLED_OFF: ("已由人工撤回", "somebody called it off"),
    Reason.TEMPORARY: ("渠道暂时失败，将重试", "the channel failed for now; it will be tried again"),
    Reason.PERMANENT: ("渠道永久拒绝", "the channel refused for good"),
    Reason.CANNOT_RENDER: (
        "文案无法生成，请检查消息模板中的变量",
        "the message could not be made: check the variables of its template",
    ),
    Reason.GAVE_UP: ("多次重试后放弃", "given up after the last retry"),
    Reason.INNER_ADDRESS: (
        "地址在内网，未经设置允许，不予调用",
        "the address lies inside the network and no setting allows it to be called",
    ),
    Reason.UNCHANGED: ("与线上内容相同，没有要做的改动", "this is in service already; nothing would change"),
    Reason.OUTDATED: (
        "做计划之后线上内容又变了，请重新做计划",
        "what is in service has changed since the plan was made; make the plan anew",
    ),
    Reason.PLAN_CLOSED: ("计划已不能再这样操作", "the plan is in a state in which this cannot be done"),
    Reason.NOT_APPROVED: ("需要另一个人批准", "another person must approve it first"),
    Reason.OWN_PLAN: ("不能批准自己做的计划", "nobody approves a plan of their own"),
    Reason.WHERE_TO: (
        "有人停在被删除的步骤上，请说明他们去哪里",
        "people stand on a step that is gone; say where they go",
    ),
    Reason.OVER_QUOTA: (
        "平台配额不够，无法按计划的日期送达",
        "the platform's quota does not suffice for the day that was planned",
    ),
}


class YutangError(Exception):
    """An error that a user can mend: its text says what is wrong, where, and what to do, in Chinese and then in English."""


class TryAgain(YutangError):
    """The database could not be reached or failed; nothing of this call was kept, so send it again as it is."""


_HALVES = re.compile(r"(?P<zh>.*[\u4e00-\u9fff].*?[。；）？])\s+(?P<en>[A-Za-z0-9'(].*)", re.DOTALL)


def halves(text: str) -> tuple[str, str]:
    """The Chinese, with its stop, and the English of an error's text; both are the text where it is in one language."""
    found = _HALVES.fullmatch(text)
    return (found["zh"], found["en"]) if found else (text, text)
