"""The words of the staff tasks: (Chinese, English)."""

from yutang.channels import STAFF_TASKS
from yutang.web.pages.text import states

TEXT: dict[str, tuple[str, str]] = {
    "lead": ("员工要做的事：什么时候到期，给谁，说什么。", "What staff are to do: by when, for whom, and what to say."),
    "view.open": ("待办", "Open"),
    "view.overdue": ("已超时", "Overdue"),
    "view.ended": ("已结束", "Ended"),
    "staff": ("员工", "Staff"),
    "staff_all": ("全部员工", "All staff"),
    "mine": ("我的", "Mine"),
    "store": ("门店", "Store"),
    "store_all": ("全部门店", "All stores"),
    "ask_do": ("查看", "Show"),
    "task": ("任务", "Task"),
    "for": ("顾客", "For"),
    "due": ("期限", "Due"),
    "ended": ("结束于", "Ended"),
    "state": ("状态", "State"),
    **states("state", STAFF_TASKS.STATES),
    "overdue": ("超时", "overdue"),
    "by": ("{name} 完成", "by {name}"),
    "goes_to": ("{at} 转给 {name}", "goes to {name} at {at}"),
    "goes_now": ("转给 {name}", "Pass on to {name}"),
    "escalate_ask": ("现在就转给 {name}？不能收回。", "Pass it on to {name} now? It cannot be taken back."),
    "done_do": ("已完成", "Done"),
    "done_ask": ("确认「{title}」已经完成？", "Is “{title}” done?"),
    "drop_do": ("撤回", "Call off"),
    "drop_ask": ("撤回这项任务？员工不用再做，不能恢复。", "Call it off? Nobody is to do it, and it cannot be taken back."),
    "words": ("建议的话", "Suggested words"),
    "copy": ("复制", "Copy"),
    "copied": ("已复制", "Copied"),
    "from_journey": ("来自旅程", "From journey"),
    "none.open": ("没有待办的任务。旅程里的「员工任务」到了时间会出现在这里。", "Nothing is open. Tasks appear here when a journey gives one to staff."),
    "none.overdue": ("没有超时的任务。", "Nothing is overdue."),
    "none.ended": ("还没有结束的任务。", "Nothing has ended yet."),
    "no_staff": (
        "你的用户还没有填员工账号，所以看不到任务。请管理员在「设置 › 用户」里补上。",
        "Your user names no member of staff, so no tasks are yours. An administrator can add it under Settings › Users.",
    ),
    "no_store_staff": (
        "你的门店还没有导购用户。请管理员在「设置 › 用户」里添加导购，并选好门店和员工账号。",
        "No salespeople are known in your stores. An administrator can add them under Settings › Users, with store and staff id.",
    ),
}  # fmt: skip
