"""Whoever adds a member of staff is welcomed at once: by code, by hour, by member of staff, and however busy the loop is."""

from __future__ import annotations

import shutil
import threading
from datetime import datetime, time, timedelta
from pathlib import Path

import psycopg
import pytest

from towns import CHINA, START, Town, everybody_treated, town, wait_for
from yutang import deliver, identity, journey, worker
from yutang.brand import load_brand, shipped
from yutang.db.connect import connect

CARD, DAY, NIGHT = "谢谢你扫了包裹里的卡片", "我是你的咖啡管家", "夜里好"
BY_STAFF = """
title: {zh: 按人接待, en: Reception by staff}
class: service
trigger: {event: contact_added}
reentry: always
value_fen: 1000
deadline_days: 1
steps:
  - if: {count: contact_added, at_least: 1, days: 1, where: {staff: guide02}}
    then:
      - message: welcome_lakeside
    else:
      - message: welcome
"""
LAKESIDE = """---
title: {zh: 湖滨店欢迎, en: Welcome at the lake}
subject: 湖滨店
channel: wecom
---
湖滨店的阿芳在此，靠窗的位子给你留着。
"""


def said(here: Town, code: str) -> str:
    """The welcome of somebody new who scans the code now: the one message, and by the welcome's own way."""
    customer = here.city.add_customer()
    here.scan(customer, code)
    here.hear()
    (message,) = here.city.inbox(customer)
    assert message.kind == "welcome"
    return message.text


def test_by_code_and_by_hour(conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with town(conn, url, monkeypatch, "guide01") as here:
        here.code("package_card", "guide01")
        here.code("store_station", "guide01")
        hours = (time(12, 30), time(21, 59), time(22), time(23, 30), time(3), time(7, 59), time(8), time(9))
        found = []
        for n, hour in enumerate(hours):
            here.clock.to(datetime.combine(START.date() + timedelta(days=n > 3), hour, CHINA))
            found.append((said(here, "store_station"), said(here, "package_card")))
        for (store, card), hour in zip(found, hours, strict=True):
            assert (DAY if time(8) <= hour < time(22) else NIGHT) in store
            assert CARD in card
        assert here.made() == [], "nobody was asked to tap"


def test_by_staff(conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = shutil.copytree(shipped()["city"], tmp_path / "city")
    (folder / "journeys" / "reception.yml").write_text(BY_STAFF)
    (folder / "messages" / "welcome_lakeside.md").write_text(LAKESIDE)
    brand = everybody_treated(load_brand(folder))
    with town(conn, url, monkeypatch, "guide01", "guide02", brand=brand) as here:
        here.code("door", "guide01")
        here.code("window", "guide02")
        assert DAY in said(here, "door")
        assert "靠窗的位子" in said(here, "window")
        assert DAY in said(here, "door")


def test_the_ear_answers_however_long_a_pass_of_the_loop_takes(
    conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ear alone, as when the loop is in a long pass; it hears every call, and ends when it is told to."""
    stopping = threading.Event()
    with town(conn, url, monkeypatch, "guide01") as here:
        here.code("store_station", "guide01")

        def hear() -> None:
            with connect(url) as ears:
                worker.ear(ears, here.app.channels, here.clock, stopping)

        ear = threading.Thread(target=hear, daemon=True)
        ear.start()
        try:
            wait_for(here.has_ears)
            for customer in [here.city.add_customer() for _ in range(3)]:
                here.scan(customer, "store_station")
                here.city.deliver()
                wait_for(lambda one=customer: here.city.inbox(one))
        finally:
            stopping.set()
            ear.join(10)
        assert not ear.is_alive()


def test_the_loop_overtakes_nobody_whom_the_ear_has_just_heard(
    conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ear has given the fact to its person and not yet drawn the profile; there the loop reaches the journeys."""
    with town(conn, url, monkeypatch, "guide01") as here:
        here.code("package_card", "guide01")
        customer = here.city.add_customer()
        here.scan(customer, "package_card")
        here.city.deliver()
        _, events = deliver.listen(conn, here.clock(), here.outlets)
        identity.resolve_events(conn, here.clock(), events)
        journey.advance(conn, here.clock())
        worker.hurry(conn, here.clock(), here.outlets, events)
        (welcome,) = here.city.inbox(customer)
        assert CARD in welcome.text
