"""Roles, and what each may do. Pure; the one list that guards, pages and documents go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Right = Literal["look", "people", "edit", "apply", "export", "codes", "data", "tasks", "settings"]
"""look: figures, segments, journeys, offers. people: single persons, within one's scope. edit: drafts and rehearsals. apply: approve,
refuse and bring into service. export: files with persons. codes: live codes. data: sources, imports, rejects. tasks: what staff
are to do. settings: users, keys, channels, the pond."""

RIGHTS: tuple[Right, ...] = get_args(Right)


@dataclass(frozen=True)
class Role:
    """A role: its words, and its rights. scope: whose persons it sees: all, those of its stores, its own."""

    name: str
    zh: str
    en: str
    rights: frozenset[Right]
    scope: Literal["all", "stores", "own"] = "all"


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("administrator", "管理员", "Administrator", frozenset(RIGHTS)),
        Role("operator", "运营", "Operator", frozenset(RIGHTS) - {"settings"}),
        Role("analyst", "分析", "Analyst", frozenset({"look", "people", "export"})),
        Role("manager", "店长", "Store manager", frozenset({"people", "tasks", "codes"}), "stores"),
        Role("salesperson", "导购", "Salesperson", frozenset({"people", "tasks"}), "own"),
    )
}
