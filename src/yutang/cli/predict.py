"""predict: train the models, see how good they are, and what they say of a person."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from yutang.app import opened
from yutang.cli import say

group = typer.Typer(
    help="预测：价值、复购时钟、评分、推荐。 Predictions: value, repurchase clock, scores, products.",
    no_args_is_help=True,
)
Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 As JSON.")]
STYLE = {"serving": "green", "refused": "yellow", "abstained": "yellow"}
MONEY = ("value_90d", "margin_90d")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="predict")


@group.command()
def train(json: Json = False) -> None:
    """训练全部模型并更新每位顾客的预测。 Train all models and replace everybody's predictions."""
    from yutang.app import train as train_

    with opened() as app, app.connect() as conn:
        found = train_(conn, app.clock())
    say.as_json(found) if json else _shown(found)


@group.command()
def report(
    json: Json = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="写成网页。 As a page of its own.")] = None,
) -> None:
    """模型、与基线的对比、可靠性与漂移。 Models beside their baselines, reliability and drift."""
    from yutang.predict.page import page
    from yutang.predict.report import report as report_

    with opened() as app, app.connect() as conn:
        found = report_(conn, app.clock())
    if html:
        html.write_text(page(found), "utf-8")
        say.out.print(str(html), markup=False)
    elif json:
        say.as_json(found)
    else:
        _shown(found)


@group.command()
def person(
    who: Annotated[str, typer.Argument(metavar="PERSON", help="编号，或标识如 shop:grocery=123。 Number or handle.")],
    json: Json = False,
) -> None:
    """对一位顾客的预测。 What is foretold of one person."""
    from yutang.identity import canonical
    from yutang.predict.person import person as person_
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        found = person_(conn, canonical(conn, find(conn, app.vault, who)))
    if json:
        say.as_json(found)
    elif not found:
        say.out.print("没有对此人的预测：没有订单、尚未训练，或数据不足（见 yutang predict report）。")
        say.out.print(
            "Nothing is foretold: no orders, nothing trained, or too little data (see yutang predict report)."
        )
    else:
        say.table(
            ["预测", "prediction", "值 value", "同类人实际 such people", "模型 model", "时间 at"],
            [[f.title["zh"], f.title["en"], _value(f.name, f.value), "–" if f.alike is None else _value(f.name, f.alike),
              f"{f.model} v{f.version}", f"{f.at:%Y-%m-%d}"] for f in found],
        )  # fmt: skip
        for one in found:
            _because(one)


@group.command()
def products(
    who: Annotated[str, typer.Argument(metavar="PERSON", help="编号，或标识如 shop:grocery=123。 Number or handle.")],
    json: Json = False,
) -> None:
    """一位顾客接下来可能买的商品：在售、有货的。 What a person is likely to buy next, of what can be had."""
    from yutang.identity import canonical
    from yutang.predict.products.told import products as products_
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        found = products_(conn, canonical(conn, find(conn, app.vault, who)), app.clock())
    if json:
        say.as_json(found)
    elif not found.products:
        say.out.print(
            "没有可推荐的商品：没有带商品的订单、尚未训练、都已售罄，或不在商品目录里（见 yutang predict report）。"
        )
        say.out.print(
            "Nothing to tell: no orders with products, nothing trained, all sold out, or not in the catalogue (see yutang predict report)."
        )
    else:
        say.table(
            ["", "商品 product", "名称 title", "价格 price", "库存 stock"],
            [[str(n), one.id, one.title, "–" if one.price_fen is None else f"¥{one.price_fen / 100:,.2f}",
              "–" if one.stock is None else f"{one.stock:,}"] for n, one in enumerate(found.products, 1)],
        )  # fmt: skip


@group.command()
def worth(json: Json = False) -> None:
    """触达多常被应答、触达一次值多少。 How often touches are answered, and what one is worth."""
    from yutang.predict.reach import keeping

    with opened() as app, app.connect() as conn:
        rates, worths = keeping.rates(conn), keeping.worths(conn)
    if json:
        say.as_json({"rates": rates, "worths": worths})
        return
    say.table(
        ["渠道 channel", "消息类别 class", "72 小时内应答 answered within 72 h", "触达 touches"],
        [[one.channel, one.kind, f"{one.rate:.1%}", one.touches] for one in rates],
    )
    say.table(
        [
            "旅程 journey",
            "触达一次值 a touch that reaches",
            "从何得知 by",
            "每位触达者增量 per treated person",
            "95% 区间 interval",
            "人 people",
        ],
        [_worth(one) for one in worths],
    )
    if not worths:
        say.out.print(
            "没有旅程写 value_fen: {expected: true, …}。 No journey says value_fen: {expected: true, …}.", markup=False
        )


def _worth(one: Any) -> list[Any]:
    fen, source = (one.declared, "旅程所写 declared") if one.fen is None else (one.fen, "实验 experiment")
    shown = [f"¥{fen / 100:,.2f}", source]
    if one.difference is None:
        return [one.title["zh"], *shown, None, None, None]
    return [
        one.title["zh"],
        *shown,
        f"¥{one.difference / 100:,.2f}",
        f"¥{one.low / 100:,.2f} – ¥{one.high / 100:,.2f}",
        one.people,
    ]


def _because(one: Any) -> None:
    """What moved a score, the strongest first."""
    if one.because:
        say.out.print(Text(f"{one.title['zh']} {one.title['en']} {_value(one.name, one.value)}", "bold"))
    for fact in one.because:
        say.out.print(f"  {fact.zh}\n  {fact.en}", markup=False)


def _value(name: str, value: float | date) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if name.partition(":")[0] == "best_hour":
        return f"{value:02.0f}:00"
    return f"¥{value / 100:,.2f}" if name in MONEY else f"{value:.3f}"


def _shown(found: Any) -> None:
    from yutang.predict.words import NEVER_BY_MAE, UNTRAINED

    if not found.models:
        say.out.print(f"{UNTRAINED['zh']}。 {UNTRAINED['en']}.", markup=False)
        return
    for model in found.models:
        _model(model)
    say.out.print(f"注意 note: {NEVER_BY_MAE['zh']} {NEVER_BY_MAE['en']}", markup=False)


def _model(model: Any) -> None:
    say.out.print(Text(f"{model.title['zh']} {model.title['en']}", "bold"))
    say.out.print(Text(model.verdict["zh"], STYLE[model.state]))
    say.out.print(Text(model.verdict["en"], "dim"))
    if model.note:
        say.out.print(f"注意 note: {model.note['zh']}。 {model.note['en']}.", markup=False)
    since = f"{model.since:%Y-%m-%d} – " if model.since else ""
    say.out.print(f"{model.name} v{model.version} · 数据 data {since}{model.until:%Y-%m-%d}", markup=False)
    if model.state != "abstained":
        _results(model)
    if model.metrics.get("reliability"):
        _reliability(model.metrics["reliability"])
    if model.metrics.get("categories"):
        _categories(model.metrics["categories"])
    _drift(model.drift[:5])
    say.out.print()


def _results(model: Any) -> None:
    from yutang.predict.words import COLUMNS

    rows, metrics = model.metrics["results"], model.metrics
    names = [name for name in COLUMNS if name in (rows[0].get("accuracy") or rows[0]["punctuality"])]
    heads = ["", "候选 candidate", *(f"{COLUMNS[name]['zh']} {COLUMNS[name]['en']}" for name in names)]
    say.table(heads, [[_mark(one, metrics), _named(one), *_figures(one, names)] for one in rows])
    for name, why in metrics.get("silent", {}).items():
        say.out.print(f"  {name}: {why}", markup=False)


def _named(one: dict[str, Any]) -> str:
    return one["zh"] if one["zh"] == one["en"] else f"{one['zh']} {one['en']}"


def _mark(one: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Who speaks, and who is measured against."""
    return "→" if one["name"] == metrics["chosen"] else "基线 base" if one["baseline"] else ""


def _figures(one: dict[str, Any], names: list[str]) -> list[str]:
    figures = one.get("accuracy") or one["punctuality"]
    return [
        "–" if figures[name] is None else f"{figures[name]:+.1%}" if name == "bias" else f"{figures[name]:.3f}"
        for name in names
    ]


def _reliability(parts: list[dict[str, Any]]) -> None:
    say.table(
        ["可靠性 reliability", *(str(n) for n in range(1, len(parts) + 1))],
        [
            ["预测 predicted", *(f"{part['predicted']:,.2f}" for part in parts)],
            ["实际 real", *(f"{part['real']:,.2f}" for part in parts)],
        ],
    )


def _categories(found: dict[str, Any]) -> None:
    from yutang.predict.page import near
    from yutang.predict.words import verdict

    say.table(
        ["品类 category", "±3 天命中 within 3 days", "基线 baseline", "有预测 told", "结果 outcome"],
        [[name, near(its, "chosen"), near(its, "baseline"), f"{its.get('told', 0):,}", verdict(its["state"], its)["zh"]]
         for name, its in found.items()],
    )  # fmt: skip


def _drift(passed: list[Any]) -> None:
    for one in passed:
        figures = one.metrics
        if "near" in figures:
            said = f"±3 天命中 within 3 days {figures['near']:.1%} ({figures['people']:,})"
        elif "in_window" in figures:
            said = f"3 小时命中 within the 3 hours {figures['in_window']:.1%} · 到访 visits {figures['visits']:,} ({figures['people']:,})"
        elif "recall" in figures:
            said = f"前 10 命中的份额 recall@10 {figures['recall']:.3f} · 至少命中一件 any hit {figures['hit']:.1%} ({figures['people']:,})"
        else:
            off = "–" if figures["bias"] is None else f"{figures['bias']:+.1%}"
            said = f"预测 predicted {figures['predicted']:,.1f} · 实际 real {figures['real']:,.1f} · 偏差 bias {off} · 偏差度 deviance {figures['deviance']:.3f}"
        say.out.print(f"漂移 drift v{one.version} {one.since:%Y-%m-%d} – {one.until:%Y-%m-%d}: {said}", markup=False)
