"""How a path of a platform is described: its verb, who does it, and which parameters it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yutang.emulator.city import City

Given = dict[str, Any]
Handler = Callable[["City", Any, Given], "dict[str, Any] | bytes"]
"""``(city, app, given) -> answer``: `given` is the query merged with the JSON body, or the form; raises CityError.

The answer gets ``errcode`` 0 and ``errmsg`` added; bytes go out as a file. `app` is None where `free`.
"""
GET, POST = "GET", "POST"


@dataclass(frozen=True)
class Endpoint:
    """One path. free: needs no access token. knows: the parameters of the published page, for the strict mode."""

    verb: str
    handler: Handler
    knows: frozenset[str]
    free: bool = False


def get(handler: Handler, knows: str = "", free: bool = False) -> Endpoint:
    """A GET; `knows`: names between spaces."""
    return Endpoint(GET, handler, frozenset(knows.split()), free)


def post(handler: Handler, knows: str = "", free: bool = False) -> Endpoint:
    """A POST of JSON, or of a form."""
    return Endpoint(POST, handler, frozenset(knows.split()), free)


Table = Mapping[str, Endpoint]
"""By path, without the first slash: ``cgi-bin/gettoken``."""


def under(prefix: str, table: Table) -> dict[str, Endpoint]:
    """The table with a prefix before each path."""
    return {prefix + path: endpoint for path, endpoint in table.items()}
