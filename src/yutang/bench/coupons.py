"""T7, coupons: a stock given out to the last piece, then redeemed by 64 clients at once; nothing over, nobody twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import psycopg

from yutang import offer
from yutang.bench import floors, words
from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.report import Figures, differences
from yutang.bench.words import NOW
from yutang.db.connect import connect
from yutang.db.queries import Queries
from yutang.offer import Redeem, RedeemCounter, Wanted

sql = Queries(__package__)
CHUNK = 20_000
CLIENTS = 64
OFF_FEN = 500
OFFER = """
tea:
  sort: coupon
  title: {{zh: 茶券, en: Tea}}
  discount: {{off_fen: 500}}
  stock: {stock}
  budget_fen: {budget_fen}
"""


def issue_and_redeem(house: House, scale: float) -> Iterator[Figures]:
    """1,000,000 coupons at scale 1, and a tenth of them redeemed."""
    count = round(1_000_000 * scale)
    redeemed = max(CLIENTS, count // 10)
    with house.database() as url, connect(url) as conn:
        # What redemptions may cost runs out shortly before the last client has asked.
        tea = words.offer(conn, OFFER.format(stock=count, budget_fen=count * OFF_FEN)).definition_id
        yield _issue(house, url, conn, tea, count)
        codes = [row.code for row in sql.some_codes(conn, limit=redeemed)]
        words.offer(conn, OFFER.format(stock=count, budget_fen=(redeemed - redeemed // 50) * OFF_FEN))
        yield _redeem(house, url, conn, tea, codes)


def _issue(house: House, url: str, conn: psycopg.Connection, tea: int, count: int) -> Figures:
    """Every hundredth person asks twice, and two hundredths more ask than there is stock for."""
    persons = [*range(1, count + 1 + count // 50), *range(1, count, 100)]
    wanted = [Wanted(person, tea, None, touch) for touch, person in enumerate(persons, 1)]
    said: Counter[str] = Counter()
    with Meter(house, url) as meter:
        for low in range(0, len(wanted), CHUNK):
            said.update(granted.reason or "issued" for granted in offer.issue(conn, NOW, wanted[low : low + CHUNK]))
    found = sql.coupons_checked(conn, offer=tea).fetchone()
    assert found is not None
    wrong = differences({
        "answers": ((said["issued"], said["sold_out"], said.total()), (count, count // 50, len(wanted))),
        "coupons, codes, persons, touches": (found[:4], (count,) * 4),
        "counter": (found.issued, count),
    })  # fmt: skip
    floor = floors.guarded_update(house, count)
    return Figures("T7", "coupons", count, meter, floor, 50_000, 200_000, wrong)


def _redeem(house: House, url: str, conn: psycopg.Connection, tea: int, codes: list[str]) -> Figures:
    """A tenth of the coupons is shown twice, by different clients; the budget ends before the coupons do."""
    allowed = len(codes) - len(codes) // 50
    asked = [Redeem(f"{n}:{code}", code, f"order-{code}", 2_000) for n, code in enumerate([*codes[::10], *codes])]
    with RedeemCounter(url, lambda: NOW) as counter, Meter(house, url) as meter:
        answers = _clients(counter, asked)
    found = sql.redemptions_checked(conn, offer=tea).fetchone()
    assert found is not None
    wrong = differences({
        "redeemed, distinct, used up": (found[:3], (allowed,) * 3),
        "counter": ((found.redeemed, found.spent_fen), (allowed, allowed * OFF_FEN)),
        "asked and answered": ((found.asked, answers.total()), (len(asked), len(asked))),
        "said to the clients": (answers["ok"], allowed),
    })  # fmt: skip
    floor = floors.guarded_update(house, allowed)
    extra = {"refused": len(asked) - allowed, "clients": CLIENTS}
    return Figures("T7-redeem", "redemptions", allowed, meter, floor, 2_000, 10_000, wrong, "per_second", extra)


def _clients(counter: RedeemCounter, asked: list[Redeem]) -> Counter[str]:
    """Every client asks for its share, one after the other; returns the answers."""
    answers: Counter[str] = Counter()

    def client(share: list[Redeem]) -> None:
        mine = Counter(counter.redeem(request).reason or "ok" for request in share)
        with lock:
            answers.update(mine)

    lock = threading.Lock()
    threads = [threading.Thread(target=client, args=(asked[n::CLIENTS],)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
