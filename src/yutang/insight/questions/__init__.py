"""Questions over the lake: one catalogue, each question written once as a map per person and an aggregate that merges."""

from yutang.insight.questions.ask import answer, answers, ask, of_pond, question
from yutang.insight.questions.catalog import QUESTIONS
from yutang.insight.questions.panels import PANELS, panels
from yutang.insight.questions.shape import Answer, Lake, Question

__all__ = [
    "PANELS",
    "QUESTIONS",
    "Answer",
    "Lake",
    "Question",
    "answer",
    "answers",
    "ask",
    "of_pond",
    "panels",
    "question",
]
