"""How WeCom is spoken to: as all interfaces of a corp, with its own rules for second tries."""

from __future__ import annotations

from dataclasses import replace

from yutang.channels.platform.calls.qyapi import QYAPI
from yutang.channels.wecom.endpoints import ENDPOINTS

DIALECT = replace(QYAPI, retry={path: endpoint.retry for path, endpoint in ENDPOINTS.items()})
