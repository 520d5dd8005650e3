"""What members of staff are to do."""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.tasks import page

ROUTES: list[HTTPRouteHandler] = [page.tasks, page.task_done, page.task_drop, page.task_escalate]
