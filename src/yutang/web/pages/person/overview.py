"""The first screen: what was sent last, what was not and why, and which conditions kept the person out of journeys."""

from __future__ import annotations

from collections import Counter
from typing import Any

from yutang.web.pages.person.foretold import foretold
from yutang.web.pages.person.subject import Subject
from yutang.web.pages.persons.called import called
from yutang.why.chain import Enrolment, Touch

TOUCHES = 5
OUTSIDE = 6
HANDLES = 8


def overview(subject: Subject) -> dict[str, Any]:
    """The chain, cut to what answers the question."""
    chain = subject.chain
    pairs = _touches(chain.enrolments)
    sent = next(((run, touch) for run, touch in pairs if touch.attempt and touch.attempt.state == "sent"), None)
    outside = sorted(chain.outside, key=lambda entry: (not entry.conditions, entry.reason is None))
    return {
        "sent": sent,
        "refused": _refused(touch for _, touch in pairs),
        "touches": pairs[:TOUCHES],
        "active": [run for run in chain.enrolments if run.state == "active"][-3:],
        "outside": outside[:OUTSIDE],
        "more_outside": max(len(outside) - OUTSIDE, 0),
        "called": called,
        "handles": chain.handles[-HANDLES:],
        "segments": [stay for stay in chain.segments if stay.until is None],
        **foretold(subject),
    }


def journeys(subject: Subject) -> dict[str, Any]:
    """Every run, and every journey that was not entered."""
    return {"chain": subject.chain}


def _touches(runs: list[Enrolment]) -> list[tuple[Enrolment, Touch]]:
    pairs = [(run, touch) for run in runs for touch in run.touches]
    return sorted(pairs, key=lambda pair: (pair[1].at, pair[1].touch_id), reverse=True)


def _refused(touches: Any) -> list[tuple[Any, int]]:
    """What became of those that were not sent, the most frequent first: (words, how often)."""
    said = [touch.words for touch in touches if touch.attempt is None or touch.attempt.state == "failed"]
    counted = Counter((words["zh"], words["en"]) for words in said)
    return [({"zh": zh, "en": en}, n) for (zh, en), n in counted.most_common(4)]
