"""What a list of persons is asked for: everything stands in its address, and becomes one rule of the segments' language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any
from urllib.parse import urlencode

from yutang import source
from yutang.segment import language
from yutang.segment.language import Rule
from yutang.web.forms import text_of

SORTS = ("newest", "oldest", "recent", "spent", "orders")
LONGEST_RULE = 8_000


@dataclass(frozen=True)
class Ask:
    """The filters as they were typed. ordered, silent: days. rule: YAML. whole: look through everybody, however long it takes."""

    segment: str = ""
    stage: str = ""
    tag: str = ""
    ordered: str = ""
    silent: str = ""
    channel: str = ""
    rule: str = ""
    sort: str = ""
    whole: str = ""

    @staticmethod
    def of(params: Mapping[str, Any]) -> Ask:
        """From the parameters of an address, or the fields of a form. What cannot be understood stays: a filter never widens."""
        given = {f.name: text_of(params, f.name) for f in fields(Ask)}
        given["sort"] = given["sort"] if given["sort"] in SORTS else ""
        return Ask(**given | {"rule": given["rule"].replace("\r\n", "\n")[:LONGEST_RULE]})

    @property
    def query(self) -> dict[str, str]:
        """What stands in the address."""
        return {name: value for name, value in asdict(self).items() if value}

    def href(self, **more: Any) -> str:
        """The list, asked for this."""
        query = {name: value for name, value in (self.query | more).items() if value not in (None, "")}
        return f"/persons?{urlencode(query)}" if query else "/persons"

    @property
    def narrows(self) -> bool:
        """Is it about fewer than everybody?"""
        return any(value for name, value in self.query.items() if name not in ("sort", "whole"))

    def parsed(self, consent: Mapping[str, str]) -> Rule | None:
        """All filters but the segment as one rule; None when there is none. consent: the pond's word on each channel.

        Raises SourceError for what cannot be read, with its place.
        """
        parts: list[Rule] = [language.from_json(one) for one in self._quick(consent)]
        if self.rule:
            parts.append(language.parse(source.load(self.rule, "rule")))
        return None if not parts else parts[0] if len(parts) == 1 else language.And(tuple(parts))

    def full(self, consent: Mapping[str, str]) -> Rule | None:
        """The same with the segment."""
        rule = self.parsed(consent)
        if not self.segment:
            return rule
        within = language.from_json({"segment": self.segment})
        return within if rule is None else language.And((within, rule))

    def _quick(self, consent: Mapping[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if self.stage:
            found.append({"life_stage": self.stage})
        if self.tag:
            found.append({"tag": self.tag})
        if self.ordered:
            found.append({"last": "ordered", "within_days": _days(self.ordered)})
        if self.silent:
            found.append({"none": "ordered", "days": _days(self.silent)})
        if self.channel:
            required = consent.get(self.channel) == "required"
            found.append({"consent": self.channel} if required else {"not": {"withdrawn": self.channel}})
        return found


def _days(text: str) -> int | str:
    """A number where it is one; the language says what is wrong with anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else text
