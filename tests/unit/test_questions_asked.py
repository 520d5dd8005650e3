"""What stands around the questions: parameters and their errors, the two halves of a query, memory, the arithmetic of removal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp

from lakes import START, ZONE, Event, Pond, loaded, random_pond
from naive_questions import ASKED, TODAY, check
from yutang import config
from yutang.insight.questions import PANELS, QUESTIONS, answer, ask, of_pond, panels
from yutang.insight.questions.attribution import removal_shares
from yutang.insight.questions.params import KINDS
from yutang.model import YutangError


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("funel", {}, "there is no question 'funel'; did you mean 'funnel'?"),
        ("funnel", {}, "funnel: 缺少 steps，请写按顺序的事件"),
        ("funnel", {"steps": "viewed"}, "1 steps; 2 to 16 are needed"),
        ("funnel", {"steps": "a,b", "step": "c"}, "there is no parameter 'step'; it takes steps, within, since, until, by"),
        ("funnel", {"steps": "a,b[ms>x]"}, "'x' is no number"),
        ("funnel", {"steps": "a,b["}, "'b[' is no step"),
        ("funnel", {"steps": "a,b[ms]"}, "'ms' is no condition"),
        ("funnel", {"steps": "a,b", "within": "7"}, "within is '7'; write a span, for example 7d, 12h or 30m"),
        ("funnel", {"steps": "a,b", "within": "0d"}, "longer than ten years, or nothing"),
        ("funnel", {"steps": "a,b", "by": "colour"}, "by is 'colour'; write source, code, store, owner, stage, trait:NAME"),
        ("kfactor", {"by": "first:store"}, "by is 'first:store'; write source, code, store, owner, stage, or trait:NAME"),
        ("sales", {"since": "2026-02-30"}, "since is '2026-02-30'; write a day"),
        ("sales", {"since": "2026-03-01", "until": "2026-02-01"}, "since is after until"),
        ("sales", {"unit": "year"}, "unit is 'year'; write one of week, month"),
        ("retention", {"periods": "0"}, "periods is '0'; write 1 to 120"),
        ("cac", {"by": "store", "costs": "a"}, "'a' is no cost"),
        ("cac", {"margin_percent": "120"}, "margin_percent is '120'; write a percentage, 0 to 100"),
    ],
)  # fmt: skip
def test_an_error_says_where_and_what_to_write(name, given, said):
    with pytest.raises(YutangError) as error:
        ask(loaded(Pond()), name, TODAY, ZONE, given)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "store", ["a'b", 'a"b', "a\\", "'; drop table events; --", "a;b,c", "50%", "$x :y ?", "换\n行", ""]
)
@pytest.mark.parametrize("quoted", [False, True])
def test_any_text_is_only_a_text(store, quoted):
    if ";" in store and not quoted:
        return
    pond = Pond(events=[Event(1, 1, "viewed", START, None, {"store": store}), Event(1, 2, "cart", START)])
    given = {"steps": f"viewed[store={json.dumps(store) if quoted else store}; ms!=1],cart", "since": "2025-12-01"}
    assert [row[2] for row in ask(loaded(pond), "funnel", TODAY, ZONE, given).rows] == [1, 1]


class Shards:
    """Three lakes that each have a third of the people; a map runs on each, the aggregate over what they bring together."""

    dialect = "duckdb"

    def __init__(self, pond: Pond) -> None:
        self.parts = [loaded(_third(pond, n)) for n in range(3)]
        self.whole = loaded(Pond())

    def seam(self, map: exp.Expression) -> exp.Expression:
        brought = [part.conn.execute(map.sql(dialect="duckdb")).fetchall() for part in self.parts]
        shape = self.parts[0].conn.execute(f"describe {map.sql(dialect='duckdb')}").fetchall()
        self.whole.conn.execute(f"create or replace table came ({', '.join(f'{c[0]} {c[1]}' for c in shape)})")
        for row in (row for rows in brought for row in rows):
            self.whole.conn.execute(f"insert into came values ({', '.join('?' * len(row))})", row)
        return exp.to_table("came")

    def rows(self, question: exp.Expression | str, **params: Any) -> list[Any]:
        return self.whole.rows(question, **params)


def _third(pond: Pond, n: int) -> Pond:
    return Pond(**{name: [row for row in rows if row.person_id % 3 == n] for name, rows in vars(pond).items()})


@pytest.fixture(scope="module")
def shards():
    pond = random_pond(7, people=30)
    return pond, Shards(pond)


@pytest.mark.parametrize(("name", "given"), ASKED, ids=[f"{name}-{n}" for n, (name, _) in enumerate(ASKED)])
def test_people_may_be_dealt_out_in_any_way(shards, name, given):
    """What makes a question run on a cluster: nothing but the aggregate sees two people at once."""
    check(shards[1], shards[0], name, given)


def test_removal_effect_is_the_published_example():
    """Three customers, C1 → C2 → C3 → order; C1; C2 → C3: without C1 half the orders are gone, without C2 or C3 all."""
    shares = removal_shares({("C1", "C2", "C3"): 1}, {("C1",): 1, ("C2", "C3"): 1})
    assert shares == pytest.approx({"C1": 0.2, "C2": 0.4, "C3": 0.4})
    assert removal_shares({}, {("C1",): 3}) == {}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder that is a lake of generation `n`, as far as its manifest goes."""
    monkeypatch.setenv(config.LAKE_URL.name, str(tmp_path))

    def become(n: int) -> None:
        (tmp_path / "live.json").write_text(json.dumps({"generation": n, "files": []}), "utf-8")

    become(1)
    return become


class Counting:
    """A lake that counts how often it is asked."""

    dialect = "duckdb"

    def __init__(self) -> None:
        self.lake, self.asked = loaded(random_pond(1)), 0

    def rows(self, question: exp.Expression | str, **params: Any) -> list[Any]:
        self.asked += 1
        return self.lake.rows(question, **params)


def test_an_answer_is_remembered_until_the_lake_changes(place):
    lake = Counting()
    first = answer("sales", TODAY, ZONE, {}, lake)
    assert answer("sales", TODAY, ZONE, {"unit": "month"}, lake) == first
    assert lake.asked == 1, "the default, said or not, is the same question"
    answer("sales", TODAY, ZONE, {"unit": "week"}, lake)
    assert lake.asked == 2
    place(2)
    answer("sales", TODAY, ZONE, {}, lake)
    assert lake.asked == 3


def test_a_cluster_is_asked_every_time(monkeypatch):
    monkeypatch.setenv(config.LAKE_URL.name, "clickhouse://here/db?cluster=c")
    lake = Counting()
    for _ in range(2):
        answer("held", TODAY, ZONE, {}, lake)
    assert lake.asked == 2


@pytest.mark.usefixtures("place")
def test_the_dashboard_is_eight_answers():
    pond = {"life": {"growing_orders": 2, "mature_orders": 3, "dormant_days": 9, "lost_days": 20}, "margin_percent": 30}
    lake = Counting()
    found = panels(TODAY, ZONE, pond, lake)
    assert [one.question for one in found] == [name for name, _ in PANELS]
    assert lake.asked == len(PANELS) == 8
    assert next(one for one in found if one.question == "flow").asked["dormant_days"] == "9"
    assert of_pond("cac", pond) == {"margin_percent": "30"}


def test_every_question_explains_itself_in_both_languages():
    for known in QUESTIONS:
        assert all((*known.title.values(), *known.says.values()))
        assert known.says["zh"].endswith("。")
        assert known.says["en"].endswith(".")
        assert all(p.zh and p.en and p.kind in KINDS for p in known.params)
        rows = ask(loaded(random_pond(2, 20)), known.name, TODAY, ZONE, known.example)
        assert all(len(row) == len(rows.columns) for row in rows.rows)
        assert len({c.key for c in rows.columns}) == len(rows.columns)
