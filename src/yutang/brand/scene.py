"""Ready scenes: a journey with all that it needs, laid into a brand's folder; from then on its files are the brand's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from yutang import source
from yutang.brand.folder import read_brand, texts
from yutang.model import YutangError
from yutang.source import suggest

CHANNEL = re.compile(r"^channel: \w+$", re.MULTILINE)
STORES = "stores.yml"


@dataclass(frozen=True)
class Scene:
    """`about`: the comment above its journey, which says what it is for."""

    name: str
    zh: str
    en: str
    about: str
    files: dict[str, str]


def scenes() -> dict[str, Scene]:
    """The scenes in the package, by name."""
    root = Path(str(resources.files("yutang"))) / "scenes"
    return {folder.name: _read(folder) for folder in sorted(root.iterdir()) if (folder / "journeys").is_dir()}


def _read(folder: Path) -> Scene:
    files = texts(folder)
    path = f"journeys/{folder.name}.yml"
    title = source.load(files[path], path).mapping()["title"].mapping()
    about = " ".join(line.lstrip("# ") for line in files[path].splitlines() if line.startswith("#"))
    return Scene(folder.name, title["zh"].text(), title["en"].text(), about, files)


def find(name: str) -> Scene:
    """The scene of this name. Raises YutangError."""
    known = scenes()
    if name not in known:
        fix = suggest(name, known)
        raise YutangError(
            f"没有场景“{name}”，{fix.zh}全部场景见 yutang scene list。 "
            f"no scene '{name}'; {fix.en}; `yutang scene list` shows them all"
        )
    return known[name]


def lay(folder: Path, scene: Scene, channel: str | None) -> list[str]:
    """Write the scene's files into a brand's folder, its messages for `channel` if one is named; returns the paths that were written.

    All or nothing, as `laid` says. Raises YutangError, SourceError.
    """
    new = laid(texts(folder), scene, channel)
    for path, text in new.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return list(new)


def laid(here: Mapping[str, str], scene: Scene, channel: str | None) -> dict[str, str]:
    """The files of a brand that a scene adds or changes, by path.

    The whole brand is checked first. What is there already and says the same is left; what says something else is an error, as are
    offers of the same name. A brand that has stores keeps its own. Raises YutangError, SourceError.
    """
    new = {path: _for(channel, text) for path, text in scene.files.items()}
    if STORES in here:
        new.pop(STORES, None)
    if "offers.yml" in here and "offers.yml" in new:
        new["offers.yml"] = _joined(here["offers.yml"], new["offers.yml"])
    for path, text in new.items():
        if path != "offers.yml" and here.get(path, text) != text:
            raise YutangError(
                f"{path}: 已经有了，内容不同。请给你的改名，或保留它、不加这个场景。 "
                "there already, and it says something else; rename yours, or keep it and leave the scene"
            )
    read_brand({**here, **new})
    return {path: text for path, text in sorted(new.items()) if here.get(path) != text}


def _for(channel: str | None, text: str) -> str:
    return CHANNEL.sub(f"channel: {channel}", text, count=1) if channel else text


def _joined(mine: str, more: str) -> str:
    """Two files of offers as one; what is there word for word is not written twice."""
    if more.strip() in mine:
        return mine
    both = source.load(mine, "offers.yml").mapping().keys() & source.load(more, "offers.yml").mapping().keys()
    if both:
        raise YutangError(
            f"offers.yml: 已经有优惠“{min(both)}”，内容不同，请给你的改名。 "
            f"an offer '{min(both)}' is there already, and it is another; rename yours"
        )
    return mine.rstrip("\n") + "\n" + more
