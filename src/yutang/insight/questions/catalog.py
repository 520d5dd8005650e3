"""The catalogue: every question there is, in the order in which they are shown."""

from __future__ import annotations

from yutang.insight.questions.acquisition import CAC
from yutang.insight.questions.attribution import ATTRIBUTION
from yutang.insight.questions.balance import BALANCE
from yutang.insight.questions.cohorts import LTV, RETENTION
from yutang.insight.questions.coupons import COUPONS
from yutang.insight.questions.flow import FLOW
from yutang.insight.questions.funnel import FUNNEL
from yutang.insight.questions.invites import KFACTOR
from yutang.insight.questions.sales import SALES
from yutang.insight.questions.shape import Question
from yutang.insight.questions.touching import HELD, TOUCHES
from yutang.insight.questions.visits import SESSIONS

QUESTIONS: tuple[Question, ...] = (
    FUNNEL,
    RETENTION,
    FLOW,
    LTV,
    SALES,
    COUPONS,
    TOUCHES,
    HELD,
    ATTRIBUTION,
    CAC,
    SESSIONS,
    BALANCE,
    KFACTOR,
)
