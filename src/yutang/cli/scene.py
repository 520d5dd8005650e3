"""scene: ready scenes, laid into a brand's folder as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from yutang.cli import say

group = typer.Typer(help="现成场景。 Ready scenes.", no_args_is_help=True)
Name = Annotated[
    str,
    typer.Argument(
        metavar="SCENE", help="场景名称，见 `yutang scene list`。 Name of a scene; see `yutang scene list`."
    ),
]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="scene")


@group.command("list")
def list_scenes() -> None:
    """有哪些场景。 What there is."""
    from yutang.brand import scenes

    say.table(["场景 scene", "中文", "English"], [[scene.name, scene.zh, scene.en] for scene in scenes().values()])


@group.command()
def show(name: Name) -> None:
    """场景里的全部文件。 Everything in a scene."""
    from yutang.brand.scene import find

    scene = find(name)
    say.out.print(f"{scene.zh} {scene.en}\n{scene.about}")
    for path, text in scene.files.items():
        say.out.print(f"\n── {path}\n{text.rstrip()}", markup=False)


@group.command()
def add(
    name: Name,
    brand: Annotated[
        Path, typer.Option(help="品牌文件夹。 The brand's folder.", exists=True, file_okay=False, writable=True)
    ],
    channel: Annotated[
        str | None,
        typer.Option(help="消息走哪个渠道，默认用场景写的。 The channel of its messages, if not the scene's own."),
    ] = None,
) -> None:
    """放进品牌文件夹，之后就是你自己的文件。 Lay it into a brand's folder; the files are yours from then on."""
    from yutang.brand.scene import find, lay

    written = lay(brand, find(name), channel)
    for path in written:
        say.out.print(f"+ {brand / path}", markup=False)
    say.out.print(
        f"下一步：改好文字与金额，再用 `yutang brand plan {brand}` 看会发生什么。 "
        "Next: make the words and sums your own, then see what would happen."
        if written
        else "都已在文件夹里。 Everything was there already."
    )
