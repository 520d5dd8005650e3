"""What may stand in a journey: one function for each kind of step, which checks it and adds its lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from jinja2 import Environment, TemplateSyntaxError

from yutang.ingest import catalog
from yutang.journey import moments
from yutang.journey.draft import Draft, Line, Path, Step
from yutang.journey.moments import SECONDS
from yutang.model import halves
from yutang.segment import language
from yutang.source import Node, Said, nearest, suggest

_TOGETHER = {frozenset({"ladder", "message"}): "ladder", frozenset({"journey", "wait"}): "journey"}
"""Words that are steps of their own elsewhere."""

TASK_DAYS = 14
"""How long a run waits for the end of a task that says nothing of it: nobody may have been given the task at all."""

_TASK_ENDS = (("yes", "task_done"), ("no", "task_late"), ("no", "task_dropped"))
"""What can become of a task."""

_LONGEST_CALL = 7 * 24 * 60
"""Minutes."""
_METHODS = ("POST", "PUT", "GET")
_SYNTAX = Environment(autoescape=False)


def lines(draft: Draft, nodes: list[Node], path: Path, end: int) -> int:
    """Add the lines of some steps, last first, so that each knows what follows; returns the first. `end` is what follows the last."""
    following = end
    for n in range(len(nodes) - 1, -1, -1):
        kind = _kind(nodes[n])
        if kind == "offer":
            _attach_offer(nodes, n, draft.lines[following])
            continue
        following = STEPS[kind](draft, Step(nodes[n], (*path, n)), following)
    return following


def _kind(node: Node) -> str:
    keys = node.mapping()
    kinds = [kind for kind in (*STEPS, "offer") if kind in keys]
    if kind := _TOGETHER.get(frozenset(kinds)):
        return kind
    if len(kinds) != 1:
        fix = _meant(list(keys), kinds)
        raise node.fail(f"看不懂这一步，{fix.zh}", f"a step is one of: {', '.join((*STEPS, 'offer'))}; {fix.en}")
    return kinds[0]


def _meant(keys: list[str], kinds: list[str]) -> Said:
    """The nearest kind to what was written; an example where nothing is near, or several kinds stand in one step."""
    known = (*STEPS, "offer")
    if keys and not kinds and nearest(keys[0], known):
        return suggest(keys[0], known)
    return Said(
        f"步骤是其中一种：{'、'.join(known)}，例如“- message: welcome”。", "write for example '- message: welcome'"
    )


def _attach_offer(nodes: list[Node], n: int, line: Line) -> None:
    """An offer rides on the message that follows it: a coupon that nobody is told of is stock thrown away."""
    node = nodes[n]
    if n + 1 >= len(nodes) or _kind(nodes[n + 1]) != "message":
        raise node.fail(
            "优惠要紧挨在告知它的消息之前：请在它后面加“- message: …”。",
            "an offer must stand right before the message that tells of it; add '- message: …' after it",
        )
    line["offer"] = node.mapping(known=("offer",))["offer"].text()


def _wait(draft: Draft, step: Step, following: int) -> int:
    seconds = moments.span(step.keys("wait")["wait"])
    return draft.add({"do": "wait", "seconds": seconds, "next": following}, f"wait:{moments.brief(seconds)}", step)


def _until(draft: Draft, step: Step, following: int) -> int:
    moment = moments.until(step.keys("until")["until"])
    time = moments.BEST if moment.get("best") else moment["time"]
    word = "-".join(str(part) for part in (moment["date"], *moment["weekdays"], time) if part)
    return draft.add({"do": "until"} | moment | {"next": following}, f"until:{word}", step)


def _wait_for(draft: Draft, step: Step, following: int) -> int:
    keys = step.keys("wait_for", "where", "then", "else", *SECONDS)
    seconds = moments.patience(keys)
    if not seconds:
        raise step.node.fail(
            "没有写最多等多久，例如“days: 7”。", "how long to wait is missing; write for example 'days: 7'"
        )
    where = where_of(keys.get("where"))
    events = keys["wait_for"].items() if keys["wait_for"].is_list else [keys["wait_for"]]
    if not events:
        raise keys["wait_for"].fail("列表是空的，请至少写一个事件。", "the list is empty; write at least one event")
    sought = [_sought(event, where) for event in events]
    line = {"do": "wait_for", "for": sought, "of": {}, "seconds": seconds}
    return draft.add(
        line | _both(draft, step, keys, following), f"wait_for:{'|'.join(s['event'] for s in sought)}", step
    )


def _sought(node: Node, where: Line) -> Line:
    """One event that is waited for: its type alone, or ``{event: type, where: {…}}``."""
    if node.is_mapping:
        keys = node.mapping(known=("event", "where"), required=("event",))
        return found("yes", "came", keys["event"].text(), where | where_of(keys.get("where")))
    return found("yes", "came", node.text(), where)


def found(way: str, outcome: str, event: str, where: Line) -> Line:
    """One event that ends a wait, which way it leads, and what is written down."""
    return {"way": way, "outcome": outcome, "event": event, "where": where}


def where_of(node: Node | None) -> dict[str, Any]:
    """Properties and the values that they must have."""
    return {name: value.scalar() for name, value in node.mapping().items()} if node else {}


def _both(draft: Draft, step: Step, keys: dict[str, Node], following: int) -> Line:
    """The lines to go to: ``yes`` and ``no``."""
    return {
        name: lines(draft, keys[key].items(), (*step.path, n), following) if key in keys else following
        for n, (name, key) in enumerate((("yes", "then"), ("no", "else")))
    }


def _if(draft: Draft, step: Step, following: int) -> int:
    keys = step.keys("if", "then", "else", required=("then",))
    both = _both(draft, step, keys, following)
    way = {"name": "yes", "to": both["yes"]} | question(keys["if"])
    return draft.add({"do": "branch", "ways": [way], "otherwise": "no", "no": both["no"]}, "if", step)


def _branch(draft: Draft, step: Step, following: int) -> int:
    """Many ways; the first whose question is answered yes is taken."""
    entries, otherwise, ways = step.keys("branch")["branch"].items(), following, []
    for n, entry in enumerate(entries):
        keys = entry.mapping(known=("when", "then", "name", "else"))
        if "else" in keys:
            if n + 1 < len(entries) or len(keys) > 1:
                raise entry.fail(
                    "“else”要单独一项，放在最后，请移到分支末尾。",
                    "'else' stands alone and comes last; move it to the end of the branch",
                )
            otherwise = lines(draft, keys["else"].items(), (*step.path, n), following)
        else:
            ways.append(_way(draft, step, n, entry, following))
    if not ways:
        raise step.node.fail(
            "分支至少要有一路，例如“- when: {tag: vip}”。",
            "a branch has at least one way; write for example '- when: {tag: vip}'",
        )
    _differ([way["name"] for way in ways], entries)
    return draft.add({"do": "branch", "ways": ways, "otherwise": "else", "no": otherwise}, "branch", step)


def _way(draft: Draft, step: Step, n: int, entry: Node, following: int) -> Line:
    keys = entry.mapping(known=("when", "then", "name"), required=("when", "then"))
    name = str(keys["name"].scalar()) if "name" in keys else str(n + 1)
    to = lines(draft, keys["then"].items(), (*step.path, n), following)
    return {"name": name, "to": to} | question(keys["when"])


def _differ(names: list[str], nodes: list[Node]) -> None:
    for n, name in enumerate(names):
        if name in names[:n] or name == "else":
            raise nodes[n].fail(
                f"有两路都叫“{name}”，请各起一个名字。", f"two ways are called '{name}'; give each a name of its own"
            )


def question(node: Node) -> Line:
    """What a way asks: a rule about the person, or about the event that began the run or ended its last wait."""
    keys = node.mapping()
    for kind in ("begun", "answer"):
        if kind in keys:
            where = where_of(node.mapping(known=(kind,))[kind])
            if not where:
                raise keys[kind].fail(
                    f"请至少写一个事件字段，例如 {{{kind}: {{store: S1}}}}。",
                    f"name at least one property; write for example {{{kind}: {{store: S1}}}}",
                )
            return {kind: where}
    return {"rule": language.parse(node).to_json()}


def _hours(draft: Draft, step: Step, following: int) -> int:
    keys = step.keys("hours", "then", "else", required=("then",))
    ends = keys["hours"].mapping(known=("from", "to"), required=("from", "to"))
    line = {"do": "hours", "from": moments.time_of(ends["from"]), "to": moments.time_of(ends["to"])}
    return draft.add(line | _both(draft, step, keys, following), "hours", step)


def _split(draft: Draft, step: Step, following: int) -> int:
    """Shares of the people, the same person always in the same one."""
    keys = step.keys("split", "then")
    arms = keys["split"].mapping()
    if len(arms) < 2:
        raise keys["split"].fail(
            "分流至少要有两组，例如 {a: 50, b: 50}。", "a split has at least two arms; write for example {a: 50, b: 50}"
        )
    weights = {name: node.whole(0, 1_000_000) for name, node in arms.items()}
    if not sum(weights.values()):
        raise keys["split"].fail(
            "各组的权重不能都是 0，例如 {a: 50, b: 50}。", "every weight is 0; write for example {a: 50, b: 50}"
        )
    steps = keys["then"].mapping() if "then" in keys else {}
    for name, node in steps.items():
        if name not in arms:
            fix = suggest(name, arms)
            raise node.fail(f"分流里没有“{name}”这一组，{fix.zh}", f"the split has no arm '{name}'; {fix.en}")
    ways = [
        {
            "name": name,
            "weight": weight,
            "to": lines(draft, steps[name].items(), (*step.path, n), following) if name in steps else following,
        }
        for n, (name, weight) in enumerate(weights.items())
    ]
    return draft.add({"do": "split", "ways": ways}, "split", step)


def _message(draft: Draft, step: Step, following: int) -> int:
    keys = step.keys("message", "channel")
    name = keys["message"].text()
    line = {"do": "message", "message": name, "channels": _channels(keys.get("channel")), "next": following}
    return draft.add(line, f"message:{name}", step)


def _channels(node: Node | None) -> list[str] | None:
    """The channels to try, in order; None for the message's own."""
    if node is None:
        return None
    names = [item.text() for item in node.items()] if node.is_list else [node.text()]
    if not names or len(set(names)) < len(names):
        raise node.fail(
            "每个渠道写一次，首选的在前，例如 [wecom, sms]。",
            "name each channel once, the first choice first; write for example [wecom, sms]",
        )
    return names


def _task(draft: Draft, step: Step, following: int) -> int:
    """A message that a member of staff gets, and the wait for its end."""
    keys = step.keys("task", "then", "else", *SECONDS)
    name, seconds = keys["task"].text(), moments.patience(keys) or TASK_DAYS * SECONDS["days"]
    ends = [found(way, end, end, {}) for way, end in _TASK_ENDS]
    wait = {"do": "wait_for", "for": ends, "of": {"task": name}, "seconds": seconds}
    done = draft.add(wait | _both(draft, step, keys, following), "/done", step)
    return draft.add({"do": "task", "message": name, "channels": None, "next": done}, f"task:{name}", step)


def _call(draft: Draft, step: Step, following: int) -> int:
    """A request to another system, and the wait for its answer."""
    keys = step.keys("call", "then", "else")
    asked = keys["call"].mapping(known=("url", "method", "body", "timeout_minutes", "save"), required=("url",))
    seconds = 60 * (asked["timeout_minutes"].whole(1, _LONGEST_CALL) if "timeout_minutes" in asked else 60)
    url = _url(asked["url"])
    ends = [found("yes", "answered", "called", {"ok": True}), found("no", "call_failed", "called", {"ok": False})]
    wait = {"do": "wait_for", "for": ends, "of": {"call": True}, "seconds": seconds}
    answered = draft.add(wait | _both(draft, step, keys, following), "/answer", step)
    line = {
        "do": "call",
        "url": url,
        "method": asked["method"].choice(_METHODS) if "method" in asked else "POST",
        "body": _words(asked["body"]) if "body" in asked else None,
        "save": {trait: path.text() for trait, path in asked["save"].mapping().items()} if "save" in asked else {},
        "seconds": seconds,
        "next": answered,
    }
    return draft.add(line, f"call:{urlsplit(url).hostname}", step)


def _url(node: Node) -> str:
    if not re.fullmatch(r"https?://[^\s/@{}]+(/[^\s{}]*)?", node.text()):
        raise node.fail(
            f"“{node.value}”不是可以调用的地址，例如 https://erp.example.com/score；因人而异的内容写进“body”。",
            f"'{node.value}' is not an address to call; write for example https://erp.example.com/score; what differs from person to person goes into 'body'",
        )
    return node.text()


def _words(node: Node) -> Any:
    """A body whose texts are templates; only their form can be checked here."""
    if node.is_mapping:
        return {name: _words(item) for name, item in node.mapping().items()}
    if node.is_list:
        return [_words(item) for item in node.items()]
    if isinstance(node.value, str):
        try:
            _SYNTAX.parse(node.value)
        except TemplateSyntaxError as error:
            raise node.fail(
                "模板有误：请对照 Jinja2 语法检查。", f"the template is wrong: {error.message}; see the Jinja2 syntax"
            ) from error
    return node.value


def _journey(draft: Draft, step: Step, following: int) -> int:
    """A run of another journey; with ``wait: true`` this one goes on when that one has ended."""
    keys = step.keys("journey", "wait")
    name, wait = keys["journey"].text(), "wait" in keys and keys["wait"].flag()
    to = draft.add({"do": "ended", "journey": name, "next": following}, "/end", step) if wait else following
    line = {"do": "journey", "journey": name, "wait": wait, "next": to}
    return draft.add(line, f"journey:{name}", step)


def _tag(kind: str) -> Callable[[Draft, Step, int], int]:
    def add(draft: Draft, step: Step, following: int) -> int:
        tag = step.keys(kind)[kind].text()
        return draft.add({"do": kind, "tag": tag, "next": following}, f"{kind}:{tag}", step)

    return add


def _set(draft: Draft, step: Step, following: int) -> int:
    """Traits; an empty value takes one away."""
    traits = step.keys("set")["set"].mapping()
    if not traits:
        raise step.node.fail(
            "请写上属性和它的值，例如“- set: {favourite: latte}”。",
            "name the trait and its value; write for example '- set: {favourite: latte}'",
        )
    values = {name: None if node.value is None else node.scalar() for name, node in traits.items()}
    if fault := catalog.check("profile_updated", msgspec.json.encode({"traits": values})):
        raise step.node.fail(*halves(fault))
    return draft.add({"do": "set", "traits": values, "next": following}, f"set:{'|'.join(values)}", step)


def _ladder(draft: Draft, step: Step, following: int) -> int:  # noqa: ARG001 - whoever stands on a ladder stays there
    keys = step.keys("ladder", "message", required=("ladder", "message"))
    name = keys["ladder"].text()
    line = {"do": "ladder", "offer": name, "message": keys["message"].text(), "channels": None}
    return draft.add(line, f"ladder:{name}", step)


def _exit(draft: Draft, step: Step, following: int) -> int:  # noqa: ARG001 - nothing follows
    keys = step.keys("exit", "because")
    if (said := keys["exit"]).value is not None and said.value is not True:
        raise said.fail(
            "这一步总是结束旅程，请写“exit: true”，或去掉这一步。",
            "the step ends the run whatever 'exit' says; write exit: true, or leave the step out",
        )
    because = keys["because"].text() if "because" in keys else None
    return draft.add({"do": "end", "because": because}, f"exit:{because}" if because else "exit", step)


STEPS: dict[str, Callable[[Draft, Step, int], int]] = {
    "wait": _wait,
    "until": _until,
    "wait_for": _wait_for,
    "if": _if,
    "branch": _branch,
    "hours": _hours,
    "split": _split,
    "message": _message,
    "task": _task,
    "tag": _tag("tag"),
    "untag": _tag("untag"),
    "set": _set,
    "call": _call,
    "journey": _journey,
    "ladder": _ladder,
    "exit": _exit,
}
"""Every kind of step but ``offer``, which rides on the message after it."""
