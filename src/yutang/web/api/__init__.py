"""The JSON API."""

from litestar.handlers import BaseRouteHandler

from yutang.web.api.coupons import redeem
from yutang.web.api.events import post_events
from yutang.web.api.health import healthz, metrics
from yutang.web.api.people import explain_segment, explain_why
from yutang.web.api.schema import event_schema

ROUTES: list[BaseRouteHandler] = [post_events, redeem, explain_why, explain_segment, event_schema, healthz, metrics]
