"""Who redeems, on real campaigns: the figures that other code has measured on these tables, and the demo's year through the loop."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import psycopg
import pytest

from years import TODAY, lived
from yutang.bench import redeeming
from yutang.predict.boosted import installed
from yutang.predict.scores.reading import LONGEST, read
from yutang.predict.train import train

pytestmark = pytest.mark.data
EVERY = 4
EPOCH = date(2000, 1, 1)


def test_who_redeems(tables: Path) -> None:
    """2,662 household-campaigns from September on, 11.9% of them redeemed; with other code the household's own rate had an AUC of .752, times the
    kind of campaign .797, and the best model .818 (average precision .472 and lift 4.4 the best of any)."""
    rows = redeeming.year(tables)
    assert rows.asked.sum() == 2662
    assert rows.came[rows.asked].mean() == pytest.approx(0.119, abs=5e-4)
    told = redeeming.figures(rows)
    assert told["own rate of use"].auc == pytest.approx(0.752, abs=5e-3)
    assert told["own rate x campaign kind"].auc == pytest.approx(0.797, abs=5e-3)
    assert told["own rate x campaign kind"].precision == pytest.approx(0.461, abs=0.01)
    best = told["card + baskets"]
    assert best.auc == pytest.approx(0.840, abs=6e-3)
    assert best.precision == pytest.approx(0.506, abs=0.015)
    assert best.lift == pytest.approx(4.45, abs=0.2)
    assert told["card"].auc == pytest.approx(0.79, abs=0.01)
    assert best.deviance < told["card"].deviance < 0.73 < told["own rate x campaign kind"].deviance
    if installed():
        assert told["blend + baskets"].auc > 0.825


def test_nothing_of_a_campaign_is_known_before_it_starts(tables: Path) -> None:
    """Of three campaigns, what was used before is counted anew from the files."""
    rows = redeeming.year(tables)
    habit, used, given = rows.seen[:, 0], np.expm1(rows.seen[:, 2]), np.expm1(rows.seen[:, 3])
    with duckdb.connect() as conn:
        found = conn.execute(
            f"""with given as (select household_id as h, campaign_id as g, start_date as s
                               from '{tables}/campaigns.parquet' join '{tables}/campaign_descriptions.parquet' using (campaign_id))
                select i.g, i.h, count(j.g) as given, count(r.h) as used
                from given i left join given j on j.h = i.h and j.s < i.s
                left join (select household_id as h, campaign_id as g, min(redemption_date) as d
                           from '{tables}/coupon_redemptions.parquet' group by all) r on r.h = j.h and r.g = j.g and r.d < i.s
                group by i.g, i.h, i.s order by i.s, i.g, i.h"""
        ).fetchnumpy()
    np.testing.assert_allclose(given, found["given"])
    np.testing.assert_allclose(used, found["used"])
    share = (found["used"] + 0.3) / (found["given"] + 3)
    np.testing.assert_allclose(habit, np.log(share / (1 - share)))


def test_the_year_of_a_sample(conn: psycopg.Connection, tables: Path) -> None:
    """Campaigns that came through the door as events are the coupons that are learned from; counted by DuckDB from the files."""
    now = lived(conn, EVERY)
    pond = read(conn, (TODAY - EPOCH).days, "Asia/Shanghai")
    with duckdb.connect() as lake:
        count, used = lake.execute(
            f"""select count(*), count(r.h) filter (where r.d <= least(ends, start + interval {LONGEST} day))
                from (select household_id as h, campaign_id as g, greatest(start_date, timestamp '2017-01-01') as start, end_date + interval 1 day as ends
                      from '{tables}/campaigns.parquet' join '{tables}/campaign_descriptions.parquet' using (campaign_id) where household_id % {EVERY} = 0) i
                left join (select household_id as h, campaign_id as g, min(redemption_date) as d
                           from '{tables}/coupon_redemptions.parquet' group by all) r using (h, g)"""
        ).fetchone()  # type: ignore[misc]
    assert (len(pond.coupons), int(pond.coupons.in_time.sum())) == (count, used)
    models = {one.name: one for one in train(conn, now).models}
    assert models["churn_90d"].state == "abstained", "nearly every household comes back"
    assert models["lead_30d"].state == "abstained", "nobody is known before the first basket"
    redeem = models["p_redeem"]
    assert redeem.state == "serving"
    figures = {one["name"]: one["accuracy"] for one in redeem.metrics["results"]}
    assert figures[redeem.metrics["chosen"]]["auc"] > figures["alone"]["auc"] > figures["share"]["auc"]
    (told,) = conn.execute("select count(*) from prediction where name = 'p_redeem'").fetchone()  # type: ignore[misc]
    assert told == len(pond.ids)
