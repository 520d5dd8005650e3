"""offer: what was promised, who waits, and what it will cost."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from yutang import definitions, offer
from yutang.app import opened
from yutang.cli import say
from yutang.model import Reason

group = typer.Typer(help="优惠。 Offers.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 As JSON.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="offer")


@group.command("list")
def list_() -> None:
    """在用的优惠。 The offers in service."""
    with opened() as app, app.connect() as conn:
        found = [
            [d.name, d.body["sort"], d.version, d.body["title"]["zh"], d.body["title"]["en"]]
            for d in definitions.all_current(conn, "offer")
        ]
    say.table(["优惠 offer", "种类 sort", "版本 version", "名称", "title"], found)


@group.command()
def show(
    name: Annotated[str, typer.Argument(metavar="OFFER", help="优惠名称。 Name of the offer.")], json: Json = False
) -> None:
    """一个优惠的现状：库存、各档、被拒原因、谁在等更低的折扣。 One offer: stock, rungs, refusals, who waits."""
    with opened() as app, app.connect() as conn:
        found = offer.show(conn, app.clock(), name)
    if json:
        say.as_json(found)
        return
    say.out.print(
        f"{found['offer']}（{found['title']['zh']} {found['title']['en']}）  {found['sort']} v{found['version']}",
        markup=False,
    )
    _stock(found["stock"])
    _coupons(found["coupons"])
    if found["ladder"]:
        _ladder(found["ladder"])
    _refused(found["refused"])
    _parts(found["liability"])


@group.command()
def liability(json: Json = False) -> None:
    """未用的券将花多少钱：分布。 What open coupons will cost, as a distribution."""
    with opened() as app, app.connect() as conn:
        found = offer.liability(conn, app.clock()).to_json()
    if json:
        say.as_json(found)
        return
    say.out.print(
        f"未用 open {found['open']:,} · 面值 face {_yuan(found['face_fen'])} · 占用 held {_yuan(found['held_fen'])}"
    )
    say.out.print(
        f"预计 expected {_yuan(found['expected_fen'])} · P10 {_yuan(found['p10_fen'])} · P50 {_yuan(found['p50_fen'])} · "
        f"P90 {_yuan(found['p90_fen'])}"
    )
    if found["unlimited"]:
        say.out.print(f"另有不限次数的券 and without a limit of uses, in no sum: {found['unlimited']:,}")
    _parts(found["offers"])


@group.command()
def conflicts(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="最多几条。 At most so many.")] = 100, json: Json = False
) -> None:
    """离线门店误给的优惠，待处理。 What tills that were offline gave in vain."""
    with opened() as app, app.connect() as conn:
        found, zone = offer.conflicts(conn, limit), definitions.pond(conn)["time_zone"]
    if json:
        say.as_json(found)
        return
    say.table(
        ["时间 at", "请求 request", "券 code", "订单 order", "已给 given", "原因 reason", "被谁用 against"],
        [
            [say.when(c["at"], zone), c["request_id"], c["code"], c["order_id"], _yuan(c["discount_fen"]), _reason(c["reason"]), c["against"]]
            for c in found
        ],
    )  # fmt: skip


def _stock(stock: dict[str, Any] | None) -> None:
    if stock is None:
        return
    total = "∞" if stock["total"] is None else f"{stock['total']:,}"
    budget = "∞" if stock["budget_fen"] is None else _yuan(stock["budget_fen"])
    say.out.print(
        f"库存 stock {stock['issued']:,} / {total} · 预算 budget {_yuan(stock['spent_fen'])} + {_yuan(stock['reserved_fen'])} / {budget}"
    )


def _coupons(rungs: list[dict[str, Any]]) -> None:
    if rungs:
        say.table(
            ["档 rung", "付 pay %", "发出 issued", "未用 open", "占用 held", "核销 redeemed", "过期 expired", "花费 spent"],
            [
                [r["rung"], r["pay_percent"], r["issued"], r["open"], r["held"], r["redeemed"], r["expired"], _yuan(r["spent_fen"])]
                for r in rungs
            ],
        )  # fmt: skip


def _ladder(ladder: dict[str, Any]) -> None:
    sides = {"down": "下行 down", "up": "上行 up"}
    say.table(
        ["方向 side", "档 rung", "人数 people"], [[sides[p["side"]], p["rung"], p["people"]] for p in ladder["places"]]
    )
    if ladder["waited"]:
        say.table(
            ["连续等券下单次数 orders in a row only after a rung down", "人数 people"],
            [[row["waited"], row["people"]] for row in ladder["waited"]],
        )
    patience = ladder["patience"]
    if patience:
        say.out.print(
            f"等券的人 waiters (≥ {patience}): {ladder['waiters']:,} · 未再加深 deeper rungs kept back: {ladder['stopped']:,}"
        )


def _refused(rows: list[dict[str, Any]]) -> None:
    if rows:
        places = {"issue": "发放 issue", "till": "核销 till"}
        say.table(["被拒于 refused at", "次数 times", "原因 reason"], [[places[r["at"]], r["n"], _reason(r["reason"])] for r in rows])  # fmt: skip


def _parts(parts: list[dict[str, Any]]) -> None:
    if parts:
        say.table(
            ["优惠 offer", "档 rung", "未用 open", "面值 face", "核销率 rate", "预计 expected", "P10", "P50", "P90"],
            [
                [p["offer"], p["rung"], p["open"], _yuan(p["face_fen"]), f"{p['rate']:.1%}", *(_yuan(p[k]) for k in ("expected_fen", "p10_fen", "p50_fen", "p90_fen"))]
                for p in parts
            ],
        )  # fmt: skip


def _reason(name: str) -> str:
    reason = Reason(name)
    return f"{reason.zh} {reason.en}"


def _yuan(fen: int) -> str:
    return f"¥{fen / 100:,.2f}"
