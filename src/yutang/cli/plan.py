"""brand plan, approve, apply …: what would change, who agreed, and the change; quota: what platforms allow."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import psycopg
import typer

from yutang import definitions
from yutang.app import opened
from yutang.cli import say
from yutang.cli.brand import Folder, folder_of, group
from yutang.cli.say import Lang

quotas = typer.Typer(help="平台配额。 Quotas of platforms.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(metavar="PLAN", help="计划编号。 Number of the plan.")]
As = Annotated[str | None, typer.Option("--as", help="是谁，默认系统用户。 Who you are; the system's user by default.")]
Moves = Annotated[
    list[str] | None,
    typer.Option(
        "--move",
        help="步骤删除后，停在上面的人去哪：旅程/步骤=步骤|exit|finish_old，可多次。 Where people on a step that is gone go; repeatable.",
        metavar="[JOURNEY/]STEP=TO",
    ),
]
Ahead = Annotated[
    int, typer.Option("--dry-run", help="试跑几天，0 不试跑。 Days of the dry run, 0 for none.", min=0, max=366)
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 As JSON.")]


DAYS = 14


def register(app: typer.Typer) -> None:
    app.add_typer(quotas, name="quota")


@group.command()
def diff(folder: Folder, move: Moves = None, json: Json = False, lang: Lang = "zh") -> None:
    """与线上相比会改什么，不保存。 What would change against what is in service; keeps nothing."""
    from yutang import plan
    from yutang.brand import load_brand

    brand = load_brand(folder_of(folder))
    with opened() as app, app.connect() as conn:
        draft = plan.look(conn, app.clock(), brand, app.channels(conn), move or ())
    _print(draft.shown, json, lang)


@group.command("plan")
def plan_(
    folder: Folder,
    move: Moves = None,
    as_: As = None,
    dry_run: Ahead = DAYS,
    json: Json = False,
    lang: Lang = "zh",
) -> None:
    """做计划：会改什么、谁会被移动、试跑与配额；之后 apply。 Make a plan: what changes, who is moved, a dry run, quotas; apply it afterwards."""
    from yutang import plan
    from yutang.brand import load_brand
    from yutang.plan.rehearse import rehearsal

    brand = load_brand(folder_of(folder))
    with opened() as app, app.connect() as conn:
        now, channels = app.clock(), app.channels(conn)
        play = rehearsal(app.url, now, dry_run, channels)
        kept = plan.make(conn, now, brand, _who(as_), channels, moves=move or (), rehearse=play)
        _show(conn, kept, json, lang)


@group.command()
def revert(
    number: Number, move: Moves = None, as_: As = None, dry_run: Ahead = DAYS, json: Json = False, lang: Lang = "zh"
) -> None:
    """做一个退回的计划：回到它上线前的内容。 Make a plan that leads back to what was in service before that one."""
    from yutang import plan
    from yutang.plan.rehearse import rehearsal

    with opened() as app, app.connect() as conn:
        now, channels = app.clock(), app.channels(conn)
        play = rehearsal(app.url, now, dry_run, channels)
        kept = plan.revert(conn, now, number, _who(as_), channels, moves=move or (), rehearse=play)
        _show(conn, kept, json, lang)


@group.command()
def approve(number: Number, as_: As = None) -> None:
    """批准别人的计划。 Approve somebody else's plan."""
    from yutang import plan

    with opened() as app, app.connect() as conn:
        _said(plan.approve(conn, app.clock(), number, _who(as_)))


@group.command()
def refuse(
    number: Number,
    why: Annotated[str, typer.Option(help="原因。 Why.")] = "",
    as_: As = None,
) -> None:
    """否决计划。 Refuse a plan."""
    from yutang import plan

    with opened() as app, app.connect() as conn:
        _said(plan.refuse(conn, app.clock(), number, _who(as_), why))


@group.command()
def apply(number: Number, as_: As = None) -> None:
    """让计划上线，一次完成或什么都不变。 Bring a plan into service, whole or not at all."""
    from yutang import plan

    with opened() as app, app.connect() as conn:
        _said(plan.apply(conn, app.clock(), number, _who(as_), app.channels(conn)))


@group.command()
def plans(json: Json = False) -> None:
    """计划列表，新的在前。 The plans, newest first."""
    from yutang import plan
    from yutang.plan import show

    with opened() as app, app.connect() as conn:
        found, zone = plan.listing(conn), definitions.pond(conn)["time_zone"]
    if json:
        for one in found:
            say.as_json(show.plan(one))
        return
    rows = [
        [str(one.plan_id), one.brand, one.state, one.by, say.when(one.marks[0].at, zone), one.approved_by, one.reverts and str(one.reverts)]
        for one in found
    ]  # fmt: skip
    say.table(["编号 plan", "品牌 brand", "状态 state", "谁 by", "时间 at", "批准 approved by", "退回 reverts"], rows)


@group.command("show")
def show_(number: Number, json: Json = False, lang: Lang = "zh") -> None:
    """看一个计划。 Look at a plan."""
    from yutang import plan

    with opened() as app, app.connect() as conn:
        _show(conn, plan.found(conn, number), json, lang)


@quotas.command()
def calendar(
    month: Annotated[
        str | None, typer.Option(help="月份，如 2026-03，默认本月。 Month, the running one by default.")
    ] = None,
    json: Json = False,
    lang: Lang = "zh",
) -> None:
    """每天用多少平台配额，哪一场放不下。 What is planned of each day's quota, and what finds no room."""
    from yutang.plan import quota, show

    with opened() as app, app.connect() as conn:
        found = quota.month(conn, app.clock(), app.channels(conn), month)
    if json:
        say.as_json(show.quota(found))
    else:
        _quota(show.quota(found), lang)


def _who(name: str | None) -> str:
    return name or getpass.getuser()


def _said(kept: Any) -> None:
    from yutang.plan.book import STATES

    (zh, en), by = STATES[kept.state], kept.marks[-1].by
    say.out.print(f"计划 {kept.plan_id} {zh}（{by}）。 plan {kept.plan_id} is {en} (by {by})", markup=False)


def _show(conn: psycopg.Connection, kept: Any, json: bool, lang: str) -> None:
    from yutang.plan import show
    from yutang.plan.book import STATES

    zone = definitions.pond(conn)["time_zone"]
    if json:
        say.as_json(show.plan(kept))
        return
    states = {state: words[("zh", "en").index(lang)] for state, words in STATES.items()}
    head = {"zh": "计划", "en": "plan"}[lang]
    say.out.print(f"{head} {kept.plan_id} · {kept.brand} · {states[kept.state]} · {kept.digest[:12]}", markup=False)
    for mark in kept.marks:
        say.out.print(f"  {say.when(mark.at, zone)} {states[mark.state]} {mark.by} {mark.note}".rstrip(), markup=False)
    _print(kept.shown, json, lang)


def _print(shown: dict[str, Any], json: bool, lang: str) -> None:
    if json:
        say.as_json(shown)
        return
    for change in shown["changes"]:
        say.out.print(f"{_MARKS[change['sort']]} {change[lang]}", markup=False)
        for detail in change["details"]:
            say.out.print("    " + detail[lang].replace("\n", "\n      "), markup=False)
    for one in shown["flight"]:
        _flight(one, lang)
    _quota(shown["quota"], lang)
    say.hints(f"{one['at']}: {one[lang]}" for one in shown.get("hints", ()))
    if shown["dry_run"] is not None:
        say.out.print(f"试跑 dry run: {shown['dry_run'][lang]}", markup=False)


_MARKS = {"added": "+", "changed": "~", "retired": "-"}


def _flight(one: dict[str, Any], lang: str) -> None:
    """Who stands where, and where they go."""
    if "enter" in one:
        say.out.print(f"旅程 journey {one['journey']}: {one['enter']:,} 人立即进入 enter at once", markup=False)
    elif "leave" in one:
        say.out.print(f"旅程 journey {one['journey']}: {one['leave']:,} 人退出 leave", markup=False)
    elif one["groups"] or one["older"]:
        older = f"（{one['older']:,} 人在更早版本上走完 finish on older versions）" if one["older"] else ""
        say.out.print(f"旅程 journey {one['journey']} v{one['version']}{older}:", markup=False)
        rows = [[g["step"], g["label"][lang], g["people"], g["to"]] for g in one["groups"]]
        say.table(["    步骤 step", "内容 what", "人数 people", "去处 to"], rows)


def _quota(shown: dict[str, Any], lang: str) -> None:
    rows = [
        [d["day"], d["channel"], d["kind"], d["committed"], d["planned"], f"{d['amount']:,}/{d['per']}"]
        for d in shown["days"]
    ]
    if rows:
        say.table(["日期 day", "渠道 channel", "类别 kind", "已占用 committed", "已计划 planned", "配额 quota"], rows)
    for late in shown["late"]:
        say.out.print(f"! {late[lang]}", markup=False)
