"""key: what an API client must show."""

from __future__ import annotations

import typer

from yutang.vault import open_vault


def register(app: typer.Typer) -> None:
    app.command()(key)


def key() -> None:
    """接口钥匙（也是网页密码）。 The API key, which is the pages' password too."""
    typer.echo(open_vault().api_key)
