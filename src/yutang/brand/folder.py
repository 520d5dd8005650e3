"""Reading a brand's folder: no database, only files; whatever is wrong is an error with file, line, column and fix.

pond.toml · segments/*.yml · journeys/*.yml · offers.yml · messages/*.md        (a file's name is the definition's name)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from yutang import source
from yutang.brand import names, toml
from yutang.brand.message import message
from yutang.brand.pond import pond
from yutang.journey import journey
from yutang.model import YutangError
from yutang.offer import definition as offers
from yutang.segment import language
from yutang.source import Node, SourceError

Body = dict[str, Any]
Read = TypeVar("Read")


@dataclass(frozen=True)
class Brand:
    """A brand whose parts fit together: bodies by name, ready to publish; `sources`: titles by name.

    Segments stand in an order in which each comes after those that it names.
    """

    pond: Body
    sources: dict[str, str]
    segments: dict[str, Body]
    offers: dict[str, Body]
    messages: dict[str, Body]
    journeys: dict[str, Body]

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
        raise YutangError(f"{folder}: no brand here, for it has no pond.toml; write one, or name another folder")
    body, sources = pond(toml.load(_text(folder / "pond.toml"), "pond.toml"))
    segments = _files(folder, "segments", "yml", _yaml)
    journeys = _files(folder, "journeys", "yml", _yaml)
    messages = _files(folder, "messages", "md", message)
    has_offers = (folder / "offers.yml").is_file()
    found = offers.parse(_yaml(_text(folder / "offers.yml"), "offers.yml")) if has_offers else {}
    brand = Brand(
        body,
        sources,
        _in_order(segments),
        found,
        {name: read for name, (read, _) in messages.items()},
        {name: journey(node) for name, node in journeys.items()},
    )
    _check_names(brand, [*segments.values(), *journeys.values(), *(head for _, head in messages.values())])
    return brand


def _in_order(nodes: dict[str, Node]) -> dict[str, Body]:
    """The bodies; a circle or an unknown segment is an error."""
    bodies = {name: language.segment(node) for name, node in nodes.items()}
    rules = {name: language.parse(node.mapping()["rule"]) for name, node in nodes.items()}
    return {name: bodies[name] for name in language.check(rules)}


def _check_names(brand: Brand, nodes: list[Node]) -> None:
    known = {
        "segment": brand.segments,
        "message": brand.messages,
        "journey": brand.journeys,
        "offer": brand.offers,
        "coupon": [name for name, body in brand.offers.items() if body["sort"] == "coupon"],
        "ladder": [name for name, body in brand.offers.items() if body["sort"] == "ladder"],
        "channel": brand.pond["consent"],
    }
    for node in nodes:
        names.check(names.references(node), known)


def _files(folder: Path, kind: str, suffix: str, read: Callable[[str, str], Read]) -> dict[str, Read]:
    """What each file of a folder holds, by the file's name."""
    files = sorted((folder / kind).glob(f"*.{suffix}"))
    return {file.stem: read(_text(file), f"{kind}/{file.name}") for file in files}


def _yaml(text: str, file_name: str) -> Node:
    return source.load(text, file_name)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path.name}: not UTF-8 at byte {error.start}; save the file as UTF-8") from error
