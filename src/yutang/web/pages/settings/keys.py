"""Keys of the API: whose each is, when it was last used, how to get one, and how to end one."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from yutang import config, users
from yutang.db.queries import Queries
from yutang.vault import EVERYBODY, Key
from yutang.web.edge import edge_of
from yutang.web.forms import Form, number_of, text_of
from yutang.web.pages.page import done
from yutang.web.pages.settings.frame import note, show
from yutang.web.routes import act, look

sql = Queries(__package__)


@look("/settings/keys", "settings")
def keys(request: Request) -> Response[bytes]:
    """No key is shown here: what a page shows, a screenshot keeps."""
    with edge_of(request).pool.lend() as conn:
        found = sql.api_keys(conn).fetchall()
        chosen = bool(config.API_KEY.value)
        return show(request, conn, "keys", found=found, everybody=EVERYBODY, chosen=chosen, name=config.API_KEY.name)


@act("/settings/keys/revoke", "settings")
def revoke(request: Request, data: Form) -> Response[Any]:
    """End one key; the others of the same name go on."""
    edge, key = edge_of(request), Key(text_of(data, "name"), number_of(data, "number") or 0)
    with edge.pool.lend() as conn, conn.transaction():
        users.revoke(conn, edge.clock(), key)
        note(request, conn, "key_revoke", f"key/{key}")
    return done("/settings/keys", f"钥匙 {key} 已作废。", f"The key {key} is revoked.")


ROUTES = [keys, revoke]
