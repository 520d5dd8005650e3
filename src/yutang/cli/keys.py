"""key: what an API client must show."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from yutang.model import YutangError
from yutang.vault import EVERYBODY, open_vault


def register(app: typer.Typer) -> None:
    app.command()(key)


def key(
    name: Annotated[
        str | None, typer.Argument(help="给谁：这把钥匙记着名字。 Whose: this key says the name.", metavar="[NAME]")
    ] = None,
) -> None:
    """接口钥匙（也是网页密码）；每人一把，才知道是谁批准的。 The API key, which is the pages' password too; one for each person tells who approved what."""
    vault = open_vault()
    if name is not None and (not re.fullmatch(r"[a-z0-9_-]{1,32}", name) or name == EVERYBODY):
        raise YutangError(
            f"名字 '{name}'：用 1–32 个小写字母、数字、_ 或 -，且不是 {EVERYBODY}。 write 1 to 32 lower-case letters, digits, _ or -, "
            f"and not {EVERYBODY}"
        )
    typer.echo(vault.api_key if name is None else vault.key_of(name))
