"""A pond that has lived, for tests of erasing: a brand in service, people with orders, coupons and letters, one of them of two numbers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from yutang import ingest, worker
from yutang.brand import load_brand, publish, shipped
from yutang.channels.contract import Channel
from yutang.channels.sandbox.send import Sandbox
from yutang.ingest import record
from yutang.vault import Vault

BEGAN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""
DAY = timedelta(days=1)
VAULT = Vault(b"s" * 32)
SECRETS = (
    "13912345678",
    "ann@pond.example",
    "member-ann-001",
    "oAnnAnnAnn0001",
    "wmAnnAnn0001",
    "安小鱼",
    "order-ann",
    "蓝莓拿铁",
)
"""What is known of Ann, and of nobody else."""


class Lived:
    """`day`: days since it began. Ann came as a member and, apart from that, by phone; later the two turned out to be one."""

    def __init__(self, conn: psycopg.Connection, days: int = 45) -> None:
        self.conn, self.now = conn, BEGAN
        self.channels: dict[str, Channel] = {"sandbox": Sandbox()}
        publish(conn, BEGAN, load_brand(shipped()["luckin"]))
        conn.execute(
            "update definition set body = body || '{\"holdout_percent\": 0}' where kind in ('pond', 'journey')"
        )
        ingest.add_source(conn, BEGAN, "crm", "CRM")
        self.settle()
        self.ann = {"shop:luckin": "member-ann-001"}
        for member in ("member-ann-001", "member-bob-002", "member-cat-003"):
            self.tell(
                "registered",
                {"shop:luckin": member},
                f"reg-{member[-3:]}",
                name="安小鱼" if "ann" in member else "别人",
            )
        self.tell(
            "profile_updated",
            {"phone": "13912345678", "email": "ann@pond.example"},
            "crm-1",
            "crm",
            traits={"name": "安小鱼"},
        )
        self.settle()
        for member in ("ann-001", "bob-002", "cat-003"):
            self.tell("consent_given", {"shop:luckin": f"member-{member}"}, f"yes-{member[-3:]}", channel="*")
        both = {"shop:luckin": "member-ann-001", "phone": "13912345678", "openid@wx1": "oAnnAnnAnn0001"}
        self.tell("viewed", both, "joined", page="蓝莓拿铁")
        self.tell("viewed", {"shop:luckin": "member-bob-002", "phone": "13711112222"}, "bobs")
        self.settle()
        for day in range(6, days, 6):
            self.now = BEGAN + day * DAY
            for member in ("ann-001", "bob-002") if day in (12, 36) else ():
                self.order(member, day)
            self.settle()

    def order(self, member: str, day: int) -> None:
        handles = {"shop:luckin": f"member-{member}"}
        coupons = [row.code for row in self.conn.execute(
            "select code from coupon c join handle_shown h on h.person_id = c.person_id and h.value = %s where c.state = 'issued' limit 1",
            (f"member-{member}",))]  # fmt: skip
        items = [{"product": "蓝莓拿铁" if "ann" in member else "美式", "quantity": 1, "amount_fen": 1900}]
        said = {"order_id": f"order-{member}-{day}", "amount_fen": 1900, "margin_fen": 800, "items": items}
        self.tell(
            "ordered", handles, f"o-{member[-3:]}-{day}", **said, **({"coupon_codes": coupons} if coupons else {})
        )

    def tell(self, type: str, handles: dict[str, str], id: str, source: str = "app", **props: Any) -> ingest.Answer:
        event = {
            "id": id,
            "source": source,
            "type": type,
            "at": self.now.isoformat(),
            "handles": handles,
            "props": props,
        }
        answer = record(self.conn, VAULT, self.now, [event])
        assert not answer.rejected, answer
        return answer

    def settle(self) -> None:
        worker.settle(self.conn, self.now, self.channels)

    def person(self, value: str = "member-ann-001") -> int:
        row = self.conn.execute("select person_id from handle_shown where value = %s", (value,)).fetchone()
        assert row is not None
        return row.person_id


def dump(conn: psycopg.Connection) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    names = [
        row[0]
        for row in conn.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
    ]
    return {
        name: sorted(
            row[0] for row in conn.execute(sql.SQL("select to_jsonb(t)::text from {} t").format(sql.Identifier(name)))
        )
        for name in sorted(names)
    }


def holding(conn: psycopg.Connection, words: Iterable[str] = SECRETS) -> dict[str, list[str]]:
    """The rows in which one of these words stands, by table."""
    found = {name: [row for row in rows if any(word in row for word in words)] for name, rows in dump(conn).items()}
    return {name: rows for name, rows in found.items() if rows}
