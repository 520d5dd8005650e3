"""tasks: what members of staff are asked to do, and saying that it is done."""

from __future__ import annotations

from typing import Annotated

import typer

from yutang import definitions
from yutang.app import opened
from yutang.channels import STAFF_TASKS
from yutang.cli import say
from yutang.model import Reason

group = typer.Typer(help="员工任务。 Tasks of members of staff.", invoke_without_command=True)
Task = Annotated[int, typer.Argument(metavar="TASK", min=1, max=2**62, help="任务编号。 Number of the task.")]
By = Annotated[str | None, typer.Option("--by", help="谁办的，默认任务的员工。 Who says so; else whoever has it.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="tasks")


@group.callback()
def tasks(context: typer.Context) -> None:
    """员工任务；不写子命令时列出未完成的。 Tasks of staff; alone, it lists the open ones."""
    if context.invoked_subcommand is None:
        list_()


@group.command("list")
def list_(
    staff: Annotated[str | None, typer.Option(help="只看这位员工的。 Only this member's.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="也看已结束的。 Also those that have ended.")] = False,
    json: Annotated[bool, typer.Option("--json", help="每行一个 JSON。 One JSON object a line.")] = False,
) -> None:
    """未完成的任务，先到期的在前。 The open tasks, by when they are due."""
    states = None if all_ else STAFF_TASKS.OPEN
    with opened() as app, app.connect() as conn:
        found = STAFF_TASKS.tasks(conn, app.clock(), staff=staff, states=states)
        zone = definitions.pond(conn)["time_zone"]
    if json:
        for row in found:
            say.as_json(row._asdict())
        return
    heads = ["编号 task", "员工 staff", "任务 what", "顾客 person", "期限 due", "状态 state", "原因 reason"]
    say.table(
        heads,
        [
            [
                r.task_id,
                r.staff,
                r.title,
                str(r.person_id),
                say.when(r.due_at, zone),
                _state(r.state, r.overdue),
                r.reason and Reason(r.reason).both,
            ]
            for r in found
        ],
    )


@group.command()
def done(task: Task, by: By = None) -> None:
    """任务已完成。 A task is done."""
    with opened() as app, app.connect() as conn:
        new = STAFF_TASKS.done(conn, app.clock(), task, by)
    say.out.print(f"已完成 done: {task}" if new else f"早已完成 was done before: {task}", markup=False)


@group.command()
def drop(task: Task, by: By = None) -> None:
    """撤回任务，不再需要办。 Call a task off; nobody is to do it."""
    with opened() as app, app.connect() as conn:
        STAFF_TASKS.drop(conn, app.clock(), task, by)
    say.out.print(f"已撤回 called off: {task}", markup=False)


def _state(state: str, overdue: bool) -> str:
    return " ".join(STAFF_TASKS.STATES[state]) + (" · 超时 overdue" if overdue else "")
