"""brand: folders of definitions, checked and put into service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from yutang.app import opened
from yutang.cli import say
from yutang.model import YutangError

group = typer.Typer(help="品牌文件夹。 Brand folders.", no_args_is_help=True)
Folder = Annotated[
    str, typer.Argument(metavar="DIR", help="文件夹或内置名称。 Folder, or the name of a shipped brand.")
]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="brand")


@group.command()
def check(folder: Folder) -> None:
    """检查，不写入。 Check without loading."""
    from yutang.brand import load_brand

    brand = load_brand(folder_of(folder))
    parts = {
        "人群 segments": brand.segments,
        "旅程 journeys": brand.journeys,
        "优惠 offers": brand.offers,
        "消息 messages": brand.messages,
    }
    n = len(brand.hints)
    say.hints(str(hint) for hint in brand.hints)
    result = f"可以用，有 {n} 处提醒 fits together, warnings {n}" if n else "没有问题 all is well"
    say.out.print(f"{result}: {brand.name} · " + " · ".join(f"{name} {len(found)}" for name, found in parts.items()))


@group.command()
def load(folder: Folder) -> None:
    """直接载入为新版本；需要批准的改动用 plan。 Put into service at once; what needs approval goes by plan."""
    from yutang.brand import load_brand
    from yutang.plan import publish

    brand = load_brand(folder_of(folder))
    with opened() as app, app.connect() as conn:
        counts = publish(conn, app.clock(), brand)
    say.out.print(f"已载入 loaded: {brand.name} · " + " · ".join(f"{kind} {n}" for kind, n in counts.items()))


def folder_of(name: str) -> Path:
    """A folder, or the one of a shipped brand by that name. Raises YutangError."""
    from yutang.brand import shipped

    if Path(name).is_dir():
        return Path(name)
    brands = shipped()
    if name not in brands:
        raise YutangError(
            f"没有文件夹“{name}”，也没有这个名字的自带品牌；自带的有 {'、'.join(sorted(brands))}。 "
            f"there is no folder '{name}' and no shipped brand of that name; shipped are {', '.join(sorted(brands))}"
        )
    return brands[name]
