"""Reading a brand's folder: no database, only files; whatever is wrong is an error with file, line, column and fix.

pond.toml · segments/*.yml · journeys/*.yml · offers.yml · messages/*.md · stores.yml        (a file's name is the definition's name)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from yutang import source
from yutang.brand import coupons, hints, names, toml
from yutang.brand.hints import Hint
from yutang.brand.message import message
from yutang.brand.pond import pond
from yutang.brand.stores import stores
from yutang.channels.contract import STAFF
from yutang.journey import journey
from yutang.journey.trigger import ANY
from yutang.model import YutangError
from yutang.offer import definition as offers
from yutang.segment import language
from yutang.source import Node, Position, Said, SourceError

Body = dict[str, Any]
Read = TypeVar("Read")
_Nodes = dict[str, Node]
_NO_OFFERS = Node({}, Position("offers.yml"))
_PATTERNS = ("pond.toml", "offers.yml", "segments/*.yml", "journeys/*.yml", "messages/*.md", "stores.yml")
PATH = re.compile(r"pond\.toml|offers\.yml|stores\.yml|(segments|journeys)/[^/]+\.yml|messages/[^/]+\.md")
"""What a file of a brand may be called."""
_FOLDERS = ("segments", "journeys", "messages")
_STEMS = ("offer", "offers", "store", "stores", "pond")
_ENDINGS = {".yml": ".yml", ".yaml": ".yml", ".md": ".md", ".markdown": ".md"}
"""What people end such names with, and what we do."""


@dataclass(frozen=True)
class Brand:
    """A brand whose parts fit together: bodies by name, ready to publish; `sources`: titles by name; `files`: what was
    read, by path; `hints`: what is surely not meant.

    Segments stand in an order in which each comes after those that it names.
    """

    pond: Body
    sources: dict[str, str]
    segments: dict[str, Body]
    offers: dict[str, Body]
    messages: dict[str, Body]
    journeys: dict[str, Body]
    stores: dict[str, Body] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    hints: tuple[Hint, ...] = ()

    @property
    def name(self) -> str:
        return self.pond["name"]


def shipped() -> dict[str, Path]:
    """The brands in the package: folder by name."""
    root = Path(str(resources.files("yutang"))) / "brands"
    return {folder.name: folder for folder in sorted(root.iterdir()) if (folder / "pond.toml").is_file()}


def load_brand(folder: Path) -> Brand:
    """The brand in `folder`. Raises SourceError for the first thing that is wrong."""
    if not (folder / "pond.toml").is_file():
        raise YutangError(
            f"{folder}: 这里没有品牌，缺少 pond.toml。请写一个，或换一个文件夹。 "
            "no brand here, for it has no pond.toml; write one, or name another folder"
        )
    return read_brand(texts(folder))


def texts(folder: Path) -> dict[str, str]:
    """What the files of a brand or a scene say, by their paths in the folder.

    Raises SourceError for a file that would be one of them but for its name: to pass over it would take it out of service.
    """
    if strays := sorted(_strays(folder)):
        raise _strange(strays[0])
    paths = (path for pattern in _PATTERNS for path in sorted(folder.glob(pattern)))
    return {name: _text(folder, name) for name in (path.relative_to(folder).as_posix() for path in paths)}


def _strays(folder: Path) -> Iterator[str]:
    """Paths of files that look like a part of the brand and are none; what else lies at the top is nobody's mistake."""
    found = [
        *(path for stem in _STEMS for path in folder.glob(f"{stem}.y*ml")),
        *(path for name in _FOLDERS for path in (folder / name).rglob("*")),
    ]
    for path in found:
        name = path.relative_to(folder).as_posix()
        ours = path.suffix.lower() in _ENDINGS and not path.name.startswith((".", "README"))
        if ours and not PATH.fullmatch(name) and path.is_file():
            yield name


def _strange(path: str) -> SourceError:
    """What is wrong with a path that no file of a brand has, and the right one where there is one."""
    found = PurePosixPath(path)
    right = (found.parent.parts or ("",))[0] / PurePosixPath(found.stem + _ENDINGS.get(found.suffix.lower(), ""))
    fix = Said(f"品牌的文件是：{'、'.join(_PATTERNS)}。", f"its files are {', '.join(_PATTERNS)}")
    if PATH.fullmatch(str(right)):
        fix = Said(f"请改名为 {right}。", f"rename it to {right}")
    return SourceError(
        Position(path),
        f"不是品牌文件夹里的文件，没有人会读它。{fix.zh}",
        f"no part of a brand, so nobody would read it; {fix.en}",
    )


def read_brand(files: Mapping[str, str]) -> Brand:
    """The brand in these texts, by their paths in its folder. Raises SourceError for the first thing that is wrong."""
    _check_paths(files)
    body, sources = pond(toml.load(files["pond.toml"], "pond.toml"))
    segments = _files(files, "segments", source.load)
    journeys = _files(files, "journeys", source.load)
    messages = _files(files, "messages", message)
    offers_node = source.load(files["offers.yml"], "offers.yml") if "offers.yml" in files else _NO_OFFERS
    brand = Brand(
        body,
        sources,
        _in_order(segments),
        offers.parse(offers_node),
        {name: read for name, (read, _) in messages.items()},
        {name: journey(node) for name, node in journeys.items()},
        stores(source.load(files["stores.yml"], "stores.yml")) if "stores.yml" in files else {},
        dict(files),
    )
    heads = {name: head for name, (_, head) in messages.items()}
    names.check_circles(journeys)
    _check_names(brand, [*segments.values(), *journeys.values(), *heads.values()])
    coupons.check(journeys, brand.messages)
    return replace(brand, hints=_hints(brand, segments, journeys, heads, offers_node.mapping()))


def _hints(brand: Brand, segments: _Nodes, journeys: _Nodes, heads: _Nodes, offer_nodes: _Nodes) -> tuple[Hint, ...]:
    asking = [*segments.values(), *journeys.values()]
    used = hints.used(asking)
    return (
        *hints.unknown_events(asking),
        *hints.never_said(used, heads),
        *hints.never_given(used, offer_nodes),
        *hints.below_floor(offer_nodes, brand.offers),
    )


def _check_paths(files: Mapping[str, str]) -> None:
    if "pond.toml" not in files:
        raise SourceError(Position("pond.toml"), "缺少这个文件，每个品牌都要有。", "it is missing; every brand has one")
    if strange := sorted(path for path in files if not PATH.fullmatch(path)):
        raise _strange(strange[0])


def _in_order(nodes: dict[str, Node]) -> dict[str, Body]:
    """The bodies; a circle or an unknown segment is an error."""
    bodies = {name: language.segment(node) for name, node in nodes.items()}
    rules = {name: language.parse(node.mapping()["rule"]) for name, node in nodes.items()}
    return {name: bodies[name] for name in language.check(rules)}


def _check_names(brand: Brand, nodes: list[Node]) -> None:
    known = {
        "segment": brand.segments,
        "message": brand.messages,
        "task": [name for name, body in brand.messages.items() if body["channel"] == STAFF],
        "journey": brand.journeys,
        "sub-journey": brand.journeys,
        "offer": brand.offers,
        "coupon": [name for name, body in brand.offers.items() if body["sort"] != "ladder"],
        "ladder": [name for name, body in brand.offers.items() if body["sort"] == "ladder"],
        "channel": brand.pond["consent"],
        "store": [*brand.stores, ANY] if brand.stores else [],
    }
    for node in nodes:
        names.check(names.references(node), known)


def _files(files: Mapping[str, str], kind: str, read: Callable[[str, str], Read]) -> dict[str, Read]:
    """What each file of a part holds, by the file's name."""
    return {Path(path).stem: read(files[path], path) for path in sorted(files) if path.startswith(f"{kind}/")}


def _text(folder: Path, name: str) -> str:
    """Without the mark that Windows puts before a text."""
    try:
        return (folder / name).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise source.not_utf8(name, error) from error
