"""The phone: pages on which a person plays a customer or a member of staff of the city."""

from litestar import Router
from litestar.datastructures import ResponseHeader

from yutang.emulator.phone import customer, staff, start

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
ROUTES = [
    Router(
        "/phone",
        route_handlers=[*start.ROUTES, *customer.ROUTES, *staff.ROUTES],
        response_headers=[
            ResponseHeader(name="content-security-policy", value=POLICY),
            ResponseHeader(name="x-content-type-options", value="nosniff"),
            ResponseHeader(name="referrer-policy", value="no-referrer"),
            ResponseHeader(name="cache-control", value="no-store"),
        ],
    )
]
