"""Corp tags: their list, their rules, and who carries them. Those of rule groups (``st…``) are kept apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator import friends, people
from yutang.emulator.asked import need, number
from yutang.emulator.errors import CityError
from yutang.emulator.people import Relation
from yutang.emulator.wecom import rights

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

CORP, PERSONAL, STRATEGY = 1, 2, 3
EVENT = "change_external_tag"


@dataclass
class Tag:
    """A tag, or a group of tags (`group` empty). maker: the app's name."""

    id: str
    name: str
    order: int
    made_at: int
    maker: str
    group: str = ""
    strategy: int = 0
    deleted: bool = False


@dataclass
class Tags:
    groups: dict[str, Tag] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)


def described(city: City, relation: Relation) -> list[dict[str, Any]]:
    """A relation's tags with their names."""
    kept = city.part(Tags)
    return [
        {
            "group_name": kept.groups[tag.group].name,
            "tag_name": tag.name,
            "tag_id": tag.id,
            "type": STRATEGY if tag.strategy else CORP,
        }
        for tag in map(kept.tags.get, relation.tags)
        if tag and not tag.deleted
    ]


def _members(kept: Tags, group: str, deleted: bool = False) -> list[Tag]:
    found = [one for one in kept.tags.values() if one.group == group and (deleted or not one.deleted)]
    return sorted(found, key=lambda one: (-one.order, one.made_at))


def _shown(group: Tag, tags: list[Tag]) -> dict[str, Any]:
    rows = [
        {"id": one.id, "name": one.name, "create_time": one.made_at, "order": one.order, "deleted": one.deleted}
        for one in tags
    ]
    head = {"group_id": group.id, "group_name": group.name, "create_time": group.made_at, "order": group.order}
    return head | {"deleted": group.deleted, "tag": rows} | ({"strategy_id": group.strategy} if group.strategy else {})


def listing(city: City, _: App, given: dict[str, Any], strategy: int | None = None) -> dict[str, Any]:
    """POST externalcontact/get_corp_tag_list: all, or those of the ids asked for, deleted ones too."""
    kept = city.part(Tags)
    groups, tags = set(given.get("group_id") or []), set(given.get("tag_id") or [])
    rows = []
    for group in sorted(kept.groups.values(), key=lambda one: (-one.order, one.made_at)):
        if bool(group.strategy) != (strategy is not None) or (strategy and group.strategy != strategy):
            continue
        found = _members(kept, group.id, deleted=bool(groups or tags))
        if not groups and tags:
            found = [one for one in found if one.id in tags]
        if (group.id in groups) if groups else (found if tags else not group.deleted):
            rows.append(_shown(group, found))
    return {"tag_group": rows}


def add(city: City, app: App, given: dict[str, Any], strategy: int = 0) -> dict[str, Any]:
    """POST externalcontact/add_corp_tag; joins the group of that name when there is one."""
    kept, prefix = city.part(Tags), "st" if strategy else "et"
    wanted = {_name(city, one): number(one, "order") for one in reversed(need(given, "tag"))}
    group = _group(city, app, given, strategy)
    if sum(1 for one in kept.tags.values() if not one.deleted) + len(wanted) > city.settings.tags.total:
        raise CityError(40126)
    if taken := {one.name for one in _members(kept, group.id)} & set(wanted):
        raise CityError(40071, f"tag name {sorted(taken)[0]}")
    if group.id not in kept.groups:
        kept.groups[group.id] = group
        _tell(city, "create", group)
    made = []
    for name, order in reversed(wanted.items()):
        tag = Tag(city.new_id(prefix), name, order, city.stamp(), app.name, group.id, strategy)
        kept.tags[tag.id] = tag
        made.append(tag)
        _tell(city, "create", tag)
    return {"tag_group": _shown(group, made)}


def _name(city: City, one: dict[str, Any], name: str = "name") -> str:
    found = one.get(name) or ""
    if not 0 < len(found) <= city.settings.tags.name_chars:
        raise CityError(40072)
    return found


def _group(city: City, app: App, given: dict[str, Any], strategy: int) -> Tag:
    kept = city.part(Tags)
    if group_id := given.get("group_id"):
        found = kept.groups.get(group_id)
        if found is None or found.deleted:
            raise CityError(40068, f"group_id {group_id}")
        return found
    name = _name(city, given, "group_name")
    alive = (one for one in kept.groups.values() if one.name == name and not one.deleted and one.strategy == strategy)
    if found := next(alive, None):
        return found
    prefix = "st" if strategy else "et"
    return Tag(city.new_id(prefix), name, number(given, "order"), city.stamp(), app.name, strategy=strategy)


def _own(city: City, app: App, tag_id: str) -> Tag:
    """A tag or group that this app has made. Raises CityError 40068, 60011."""
    kept = city.part(Tags)
    found = kept.tags.get(tag_id) or kept.groups.get(tag_id)
    if found is None or found.deleted:
        raise CityError(40068, f"id {tag_id}")
    if found.maker != app.name:
        raise CityError(60011, "an app may change only tags of its own")
    return found


def edit(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/edit_corp_tag: the name or the order of a tag or a group."""
    kept, found = city.part(Tags), _own(city, app, need(given, "id", 40068))
    if "name" in given:
        name = _name(city, given)
        beside = (
            _members(kept, found.group) if found.group else [one for one in kept.groups.values() if not one.deleted]
        )
        if any(one.name == name and one.id != found.id for one in beside):
            raise CityError(40071)
        found.name = name
    found.order = number(given, "order", found.order)
    _tell(city, "update", found)
    return {}


def delete(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/del_corp_tag; a group goes with its last tag, and then only the group is told."""
    kept = city.part(Tags)
    named = [*(given.get("tag_id") or []), *(given.get("group_id") or [])]
    if not named:
        raise CityError(40063, "tag_id and group_id are both empty")
    for found in [_own(city, app, one) for one in named]:
        found.deleted = True
        for tag in _members(kept, found.id):
            tag.deleted = True
        last = found.group and not _members(kept, found.group)
        if last:
            kept.groups[found.group].deleted = True
        _tell(city, "delete", kept.groups[found.group] if last else found)
    return {}


def _tell(city: City, change: str, tag: Tag) -> None:
    if city.settings.callback.api_edit_events:
        tell(city, change, tag)


def tell(city: City, change: str, tag: Tag) -> None:
    """change_external_tag."""
    kind = "tag" if tag.group else "tag_group"
    city.tell(EVENT, change, {"Id": tag.id, "TagType": kind, "StrategyId": tag.strategy})


def mark(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/mark_tag: tags of one relation."""
    kept = city.part(Tags)
    userid = rights.able(city, app, need(given, "userid"))
    customer = rights.known(city, given.get("external_userid"))
    add, remove = given.get("add_tag") or [], given.get("remove_tag") or []
    if not add and not remove:
        raise CityError(40063, "add_tag and remove_tag are both empty")
    for tag_id in add:
        if (tag := kept.tags.get(tag_id)) is None or tag.deleted:
            raise CityError(40068, f"tag {tag_id}")
    relation = people.relation_of(city, userid, customer.external_userid)
    after = {one: None for one in [*relation.tags, *add] if one not in set(remove)}
    if len(after) > city.settings.tags.per_relation:
        raise CityError(40126)
    relation.tags = after
    if city.settings.callback.api_edit_events:
        friends.edited(city, relation)
    return {}
