"""The chain of one person as a tree on the terminal."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text
from rich.tree import Tree

from yutang.cli import say
from yutang.why.chain import Attempt, Chain, Coupon, Enrolment, Happening, Outside, Touch, Verdict

HEADS = {
    "zh": ("顾客", "合并", "标识", "人群", "最近的事件", "旅程", "没有进入的旅程", "其他券", "至今", "起因", "现在", "券", "对照组", "名额给了", "第 {} 次尝试", "实际", "档", "没有得到的优惠"),
    "en": ("Person", "merged from", "Handles", "Segments", "Latest events", "Journeys", "Journeys not entered", "Other coupons", "now", "began with",
           "now", "coupon", "holdout", "the slot went to", "try {}", "seen", "rung", "Offers not given"),
}  # fmt: skip
EVENTS = 15
STYLE = {
    "sent": "green",
    "send": "green",
    "hold": "yellow",
    "waiting": "yellow",
    "claimed": "yellow",
    "assigned": "yellow",
    "no": "red",
    "failed": "red",
}


class _Teller:
    """Words of one language and one time zone, hung on a tree."""

    def __init__(self, chain: Chain, language: str) -> None:
        self.chain, self.language = chain, language
        (self.person, self.merged, self.handles, self.segments, self.events, self.journeys, self.outside, self.coupons, self.still,
         self.began, self.now, self.coupon, self.holdout, self.lost, self.tries, self.seen, self.rung, self.refused) = HEADS[language]  # fmt: skip

    def when(self, at: datetime | None) -> str:
        return say.when(at, self.chain.time_zone)

    def tree(self) -> Tree:
        others = [str(m) for m in self.chain.members if m != self.chain.person_id]
        merged = f"（{self.merged} {', '.join(others)}）" if others else ""
        root = Tree(Text(f"{self.person} {self.chain.person_id}{merged}", "bold"))
        self._facts(root)
        self._journeys(root)
        if self.chain.coupons:
            branch = root.add(Text(self.coupons, "bold"))
            for coupon in self.chain.coupons:
                self._coupon(branch, coupon)
        if self.chain.refused:
            branch = root.add(Text(self.refused, "bold"))
            for entry in self.chain.refused:
                branch.add(Text(f"{self.when(entry.at)}  {entry.title[self.language]}: {entry.words[self.language]}"))
        return root

    def _facts(self, root: Tree) -> None:
        chain = self.chain
        if chain.handles:
            root.add(Text(f"{self.handles}: " + " · ".join(f"{h.kind} {h.value}" for h in chain.handles)))
        if chain.segments:
            branch = root.add(Text(self.segments, "bold"))
            for stay in chain.segments:
                end = self.when(stay.until) if stay.until else self.still
                branch.add(
                    Text(
                        f"{stay.title[self.language]}  {self.when(stay.since)} – {end}",
                        "" if stay.until is None else "dim",
                    )
                )
        if chain.events:
            branch = root.add(Text(self.events, "bold"))
            for event in chain.events[-EVENTS:]:
                amount = f"  ¥{event.amount_fen / 100:,.2f}" if event.amount_fen else ""
                branch.add(Text(f"{self.when(event.at)}  {event.title[self.language]}{amount}"))

    def _journeys(self, root: Tree) -> None:
        if self.chain.enrolments:
            branch = root.add(Text(self.journeys, "bold"))
            for enrolment in self.chain.enrolments:
                self._enrolment(branch, enrolment)
        if self.chain.outside:
            branch = root.add(Text(self.outside, "bold"))
            for entry in self.chain.outside:
                self._outside(branch, entry)

    def _enrolment(self, root: Tree, e: Enrolment) -> None:
        arm = f"  [{self.holdout}]" if e.arm != "treated" else ""
        branch = root.add(Text.assemble((e.title[self.language], "bold cyan"), (f"  v{e.version}{arm}", "dim")))
        branch.add(Text(f"{self.when(e.entered_at)}  {self.began}: {e.words[self.language]}"))
        for step in e.steps:
            branch.add(Text(f"{self.when(step.at)}  {step.line[self.language]} → {step.words[self.language]}"))
        for touch in e.touches:
            self._touch(branch, touch)
        if e.now_at:
            branch.add(Text(f"{self.when(e.due_at)}  {self.now}: {e.now_at[self.language]}", "yellow"))
        if e.ended:
            branch.add(Text(f"{self.when(e.ended_at)}  {e.ended[self.language]}", "dim"))

    def _touch(self, root: Tree, touch: Touch) -> None:
        state = touch.attempt.state if touch.attempt else touch.verdicts[-1].verdict if touch.verdicts else "hold"
        rung = f", {self.rung} {touch.rung}" if touch.rung else ""
        head = f"{touch.title[self.language]}  ({touch.channel}{rung}, #{touch.touch_id})  "
        branch = root.add(Text.assemble(head, (touch.words[self.language], STYLE[state])))
        if touch.worth:
            branch.add(Text(touch.worth[self.language], "dim"))
        for one in touch.course():
            branch.add(Text(f"{self.when(one.at)}  {self._said(one)}"))
        if touch.coupon:
            self._coupon(branch, touch.coupon)

    def _said(self, one: Verdict | Attempt | Happening) -> str:
        if isinstance(one, Happening):
            return one.title[self.language]
        said = one.words[self.language]
        if isinstance(one, Verdict):
            lost = one.lost_to
            return f"{said} — {self.lost} {lost['title'][self.language]} (#{lost['touch_id']})" if lost else said
        tries = f"  {self.tries.format(one.tries)}" if one.tries > 1 else ""
        return f"{said}{tries}  {one.detail or ''}".rstrip()

    def _coupon(self, root: Tree, coupon: Coupon) -> None:
        from yutang.why.words import COUPONS

        state = COUPONS[coupon.state][self.language]
        branch = root.add(Text(f"{self.coupon} {coupon.code}  {coupon.title[self.language]}  {state}"))
        for use in coupon.uses:
            branch.add(Text(f"{self.when(use.at)}  {use.words[self.language]}  ¥{use.discount_fen / 100:,.2f}"))

    def _outside(self, root: Tree, entry: Outside) -> None:
        at = f"  {self.when(entry.at)}" if entry.at else ""
        branch = root.add(Text.assemble((entry.title[self.language], "bold"), f"{at}  {entry.words[self.language]}"))
        for condition in entry.conditions:
            seen = f"（{self.seen} {condition['seen']}）" if condition["seen"] is not None else ""
            branch.add(
                Text(
                    f"{'✓' if condition['holds'] else '✗'} {condition[self.language]}{seen}",
                    "green" if condition["holds"] else "red",
                )
            )


def show(chain: Chain, language: str) -> None:
    """Print the chain; `language` is ``zh`` or ``en``."""
    say.out.print(_Teller(chain, language).tree())
