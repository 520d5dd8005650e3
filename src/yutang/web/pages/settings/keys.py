"""Keys of the API: who holds one, as far as deeds tell, and how to get one. Keys are computed from the secret, so no list is kept."""

from __future__ import annotations

from litestar import Request, Response

from yutang import config
from yutang.db.queries import Queries
from yutang.vault import EVERYBODY
from yutang.web.edge import edge_of
from yutang.web.pages.settings.frame import show
from yutang.web.routes import look

sql = Queries(__package__)


@look("/settings/keys", "settings")
def keys(request: Request) -> Response[bytes]:
    """No key is shown here: what a page shows, a screenshot keeps."""
    with edge_of(request).pool.lend() as conn:
        holders = sql.key_holders(conn).fetchall()
        chosen = bool(config.API_KEY.value)
        return show(
            request, conn, "keys", holders=holders, everybody=EVERYBODY, chosen=chosen, name=config.API_KEY.name
        )


ROUTES = [keys]
