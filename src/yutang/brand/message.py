"""messages/*.md: what a message says. Between two lines of ``---`` its title, subject, channel and what goes with the words
(``attachments``: links, pictures, mini-program cards, a platform's template; ``task``: the terms of a task for staff); below, the
words (Jinja2)."""

from __future__ import annotations

from typing import Any

from yutang import source
from yutang.brand.task import task
from yutang.channels.contract import STAFF
from yutang.deliver.render import CannotRender, check
from yutang.deliver.template import Unknown
from yutang.source import Node, Position, Said, SourceError

FENCE = "---"


def message(text: str, file_name: str) -> tuple[dict[str, Any], Node]:
    """The body ``{"title", "subject", "channel", "body"}``, and the head as a node. Raises SourceError."""
    head, words, first = _parts(text, file_name)
    node = source.load(head, file_name)
    needed = ("title", "subject", "channel")
    keys = node.mapping(known=(*needed, "attachments", "task"), required=needed)
    title = keys["title"].mapping(known=("zh", "en"), required=("zh", "en"))
    subject = keys["subject"]
    _compiles(subject.text(), file_name, subject.position.line)
    _compiles(words, file_name, first)
    titles = {language: item.text() for language, item in title.items()}
    body = {"title": titles, "subject": subject.text(), "channel": keys["channel"].text(), "body": words.strip()}
    if "attachments" in keys:
        body["attachments"] = [_attachment(item, file_name) for item in keys["attachments"].items()]
    if "task" in keys:
        if body["channel"] != STAFF:
            raise keys["task"].fail(
                f"只有渠道为“{STAFF}”的消息才是任务：请写“channel: {STAFF}”，或去掉 task。",
                f"only a message on the channel '{STAFF}' is a task; write 'channel: {STAFF}', or leave it out",
            )
        body["task"] = task(keys["task"])
    return body, node


def _attachment(node: Node, file_name: str) -> dict[str, Any]:
    """One card, as the channel will get it; every text in it is a template of its own."""
    if "kind" not in node.mapping():
        raise node.fail(
            "附件是哪一种？例如 {kind: link, title: …, url: …}。",
            "say what kind it is; write for example {kind: link, title: …, url: …}",
        )
    return _plain(node, file_name)


def _plain(node: Node, file_name: str) -> Any:
    if node.is_mapping:
        return {name: _plain(item, file_name) for name, item in node.mapping().items()}
    if node.is_list:
        return [_plain(item, file_name) for item in node.items()]
    if isinstance(node.value, str):
        _compiles(node.text(), file_name, node.position.line)
    return node.plain()


def _parts(text: str, file_name: str) -> tuple[str, str, int]:
    """The head (with a blank line for the fence above it, so that lines count right), the words, and their first line."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != FENCE:
        raise SourceError(
            Position(file_name, 1, 1),
            "消息文件以一行“---”开头，接着是 title、subject、channel。",
            "a message begins with a line '---', then title, subject, channel",
        )
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == FENCE), None)
    if end is None:
        raise SourceError(
            Position(file_name, len(lines), 1),
            "文件头没有结束，请用一行“---”收尾。",
            "the head has no end; close it with a line '---'",
        )
    words = "\n".join(lines[end + 1 :])
    if not words.strip():
        raise SourceError(
            Position(file_name, end + 1, 1),
            "消息没有正文，请写在文件头下面。",
            "the message says nothing; write its words below the head",
        )
    return "\n".join(["", *lines[1:end]]), words, end + 2


def _compiles(template: str, file_name: str, first: int) -> None:
    try:
        check(template)
    except CannotRender as error:
        cause = error.__cause__
        line, text = getattr(cause, "lineno", 1), getattr(cause, "message", str(error))
        syntax = Said("请对照 Jinja2 语法检查。", f"{text}; see the Jinja2 syntax")
        said = cause.said if isinstance(cause, Unknown) else syntax
        position = Position(file_name, first + line - 1, 1)
        raise SourceError(position, f"模板有误：{said.zh}", f"the template is wrong: {said.en}") from error
