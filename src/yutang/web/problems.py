"""Errors as answers: ``{"reason", "detail"}`` from the API, a plain page elsewhere. None of them ends the process."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from yutang.channels.platform.calls import Later, PlatformError, Unknown
from yutang.ingest.shape import said
from yutang.model import Reason, TryAgain, YutangError

log = structlog.get_logger()

REASONS = {
    400: Reason.BAD_SHAPE.value,
    401: "no_key",
    404: "not_found",
    405: "not_allowed",
    413: Reason.TOO_LARGE.value,
    503: Reason.TEMPORARY.value,
}


ROUTER = {
    400: "请求的参数不对，请对照接口文档",
    404: "没有这个页面或接口，请检查地址",
    405: "这个地址不支持这种请求方法，请对照接口文档",
}
"""What the router refuses, in Chinese; it has English alone."""


AGAIN = "数据库暂时不可用，请稍后原样再试。 the database failed; send the same again in a moment"


class Problem(YutangError):
    """A request that cannot be answered: an HTTP status, a reason, and what to do."""

    def __init__(self, status: int, detail: str, reason: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail = status, reason or REASONS[status], detail


def answer(request: Request, status: int, reason: str, detail: str) -> Response[Any]:
    """The error in the form that the path's readers expect."""
    if request.url.path.startswith(("/v1/", "/callbacks/", "/sidebar/", "/healthz", "/metrics")):
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        return Response(
            {"reason": reason, "detail": detail}, status_code=status, headers=headers, media_type=MediaType.JSON
        )
    from yutang.web.pages.page import Page  # pages raise problems, and a problem is a page

    return Page(request).show("problem.html", status=status, problem_status=status, detail=detail)


def on_problem(request: Request, error: Problem) -> Response[Any]:
    return answer(request, error.status, error.reason, error.detail)


def on_user_error(request: Request, error: YutangError) -> Response[Any]:
    if isinstance(error, TryAgain):
        return on_database(request, error)
    return answer(request, 404, REASONS[404], str(error))


def too_large(most: int | None) -> str:
    zh, en = (f"（最多 {most:,} 字节）", f" (at most {most:,} bytes)") if most else ("", "")
    return f"内容太大{zh}，请分成几次发送。 too large{en}; send it in smaller parts"


def _most(request: Request) -> int | None:
    """How many bytes a request to this address may have, where there is such an address."""
    handler = request.scope.get("route_handler")
    return handler.resolve_request_max_body_size() if isinstance(handler, HTTPRouteHandler) else None


def on_http(request: Request, error: HTTPException) -> Response[Any]:
    """What the router itself refuses; of parameters it knows which."""
    status, said = error.status_code, error.extra if isinstance(error.extra, list) else []
    wrong = [f"{one['key']}: {one['message']}" for one in said if {"key", "message"} <= one.keys()]
    if status == 413:
        return answer(request, status, REASONS[413], too_large(_most(request)))
    en = "; ".join(wrong) or error.detail
    named = "、".join(one.partition(":")[0] for one in wrong)
    zh = f"请求的参数 {named} 不对，请对照接口文档" if named else ROUTER.get(status, "请求被拒绝")
    return answer(request, status, REASONS.get(status, "refused"), f"{zh}。 {en}")


def on_shape(request: Request, error: msgspec.MsgspecError | UnicodeDecodeError) -> Response[Any]:
    """A body that is not JSON, or not of the documented shape."""
    reason = Reason.BAD_SHAPE if isinstance(error, msgspec.ValidationError) else Reason.BAD_JSON
    if isinstance(error, UnicodeDecodeError):
        return answer(
            request,
            400,
            Reason.BAD_ENCODING,
            "含有不是 UTF-8 的字节，请用 UTF-8 编码。 holds bytes that are not UTF-8; encode the text as UTF-8",
        )
    return answer(request, 400, reason, said(str(error)))


def on_platform(request: Request, error: PlatformError | Later | Unknown) -> Response[Any]:
    """A platform that we had to ask refused, or gave no answer."""
    log.error("平台出错。 a platform failed", path=request.url.path, error=str(error))
    if not isinstance(error, PlatformError) or error.sort in ("busy", "later"):
        return answer(
            request,
            503,
            REASONS[503],
            "平台暂时没有回应，请稍后再试。 the platform gives no answer; try again in a moment",
        )
    return answer(request, 502, "platform", f"{error.zh}。 {error.en} ({error.code})")


def on_database(request: Request, error: psycopg.OperationalError | TryAgain) -> Response[Any]:
    """What the database said is for the log: it names machines and folders."""
    log.error("数据库出错。 the database failed", error=str(error).strip())
    return answer(request, 503, REASONS[503], AGAIN)


def on_data(request: Request, _: psycopg.DataError) -> Response[Any]:
    """A number or a text that no column can hold, so nothing in the database is meant by it."""
    return answer(
        request,
        400,
        REASONS[400],
        "含有不可能的值，请检查数字和字符。 holds a value that cannot exist; check numbers and characters",
    )


def on_bug(request: Request, error: Exception) -> Response[Any]:
    """Ours, not the caller's: the details are for the log."""
    log.error("处理请求出错。 a request failed", path=request.url.path, exc_info=error)
    return answer(
        request, 500, "internal", "服务器出错，详情见日志。 something went wrong on our side; the log has the details"
    )


HANDLERS: dict[Any, Any] = {
    Problem: on_problem,
    YutangError: on_user_error,
    HTTPException: on_http,
    msgspec.MsgspecError: on_shape,
    UnicodeDecodeError: on_shape,
    PlatformError: on_platform,
    Later: on_platform,
    Unknown: on_platform,
    psycopg.OperationalError: on_database,
    psycopg.DataError: on_data,
    Exception: on_bug,
}
