"""A person's own page over HTTP: who may open it, what it saves by the door, how it is undone, and one click from a mail program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email import message_from_bytes
from html import unescape
from typing import Any

import httpx
import psycopg
import pytest

from edges import NOW, VAULT, serving
from touches import attempt, decided, people
from yutang import config, definitions, identity, profile
from yutang.brand import load_brand, publish, shipped
from yutang.channels.contract import Channel, Letter, Result
from yutang.channels.email.send import Email
from yutang.deliver import send
from yutang.deliver.preference import VALID_DAYS, holder, token
from yutang.handles import handle_key, head_of, kind_of
from yutang.ingest import record
from yutang.model import Only
from yutang.profile import card
from yutang.vault import open_vault

PHONE, MAIL = "13800000000", "li@example.com"


@dataclass
class Clock:
    """A time that goes on by a second whenever somebody asks."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Visit:
    """A browser on one person's page."""

    conn: psycopg.Connection
    base: str
    person: int
    clock: Clock
    browser: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.browser = httpx.Client(base_url=self.base, timeout=30, follow_redirects=True)
        self.path = f"/p/{token(VAULT, NOW, self.person)}"

    def look(self, **query: str) -> str:
        found = self.browser.get(self.path, params=query)
        assert found.status_code == 200, found.text
        return unescape(found.text)

    def form(self, text: str | None = None) -> dict[str, str]:
        """What the form of the page would send as it stands."""
        html = (text or self.look()).split("<form")
        main = next(part for part in html if 'name="cap"' in part and "select" in part)
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', main))
        for name, rest in re.findall(r'<input type="checkbox" name="([^"]+)" value="1"( checked)?', main):
            if rest:
                fields[name] = "1"
        for name, options in re.findall(r'<select id="\w+" name="(\w+)">(.*?)</select>', main, re.DOTALL):
            fields[name] = (re.findall(r'<option value="([^"]*)" selected', options) or [""])[0]
        return fields

    def save(self, *drop: str, **change: str) -> str:
        fields = {name: value for name, value in self.form().items() if name not in drop} | change
        found = self.browser.post(self.path, data=fields)
        assert found.status_code == 200, found.text
        return unescape(found.text)

    def said(self) -> list[tuple[str, Any]]:
        """The events that the page has recorded."""
        rows = self.conn.execute("select type, props from event where source_id like 'preference:%' order by event_id")
        return [(row.type, row.props) for row in rows]

    @property
    def consent(self) -> dict[str, bool]:
        return {name: word["given"] for name, word in card(self.conn, self.person)["consent"].items()}

    @property
    def traits(self) -> dict[str, Any]:
        return {name: trait["value"] for name, trait in card(self.conn, self.person)["traits"].items()}


MESSAGES = ("email", "sms", "wecom", "sandbox")


@pytest.fixture
def visit(conn: psycopg.Connection, url: str) -> Iterator[Visit]:
    """Somebody with a phone number and a mail address, of a brand that writes by mail, text, WeCom and in its app."""
    brand = load_brand(shipped()["luckin"])
    pond = brand.pond | {"consent": definitions.POND["consent"]}
    publish(conn, NOW - timedelta(days=9), replace(brand, pond=pond))
    for name in MESSAGES:
        body = {"title": {"zh": "一", "en": "One"}, "subject": "一", "body": "二", "channel": name}
        definitions.publish(conn, NOW, "message", f"by_{name}", body, "test")
    joined = {
        "id": "1", "source": "import", "type": "registered", "at": (NOW - timedelta(days=3)).isoformat(),
        "handles": {"phone": PHONE, "email": MAIL}, "props": {"store": "西湖店"},
    }  # fmt: skip
    assert record(conn, VAULT, NOW, [joined]).accepted == 1
    identity.resolve(conn, NOW)
    profile.refresh(conn, NOW)
    (person,) = conn.execute("select person_id from person").fetchone()
    clock = Clock()
    with serving(url, local=False, clock=clock) as base:
        found = Visit(conn, base, person, clock)
        yield found
        found.browser.close()


def test_the_page_shows_what_holds_and_by_which_ways_the_person_can_be_reached(visit: Visit) -> None:
    text = visit.look()
    assert re.findall(r'name="shown\.(\w+)"', text) == ["email", "sandbox", "sms"], "no WeCom contact, so no switch"
    assert set(visit.form()) >= {"channel.sandbox", "class.marketing", "class.companion"}
    assert "channel.email" not in visit.form(), "mail needs a consent, and nobody has given it"
    assert "西湖店" in text
    assert "成为会员" in text
    assert not {PHONE, MAIL, "138****0000"} & set(re.findall(r"[\w@.*]+", text)), "a link may be seen by others"
    assert "registered" not in text
    english = visit.look(lang="en")
    assert "Your messages" in english
    assert visit.said() == [], "looking changes nothing"


def test_a_contact_of_another_corporation_is_no_way_to_the_person(visit: Visit) -> None:
    for corp, shown in (("wwother", False), ("wwours", True)):
        kind = f"external_userid@{corp}"
        key = handle_key(bytes(16), kind, kind_of(kind), "wm1")
        visit.conn.execute(
            "insert into handle (key, person_id, origin_id, event_id) values (%s, %s, %s, 0)",
            (key, visit.person, visit.person),
        )
        visit.conn.execute(
            "insert into channel_reach (channel, head) values ('wecom', %s) on conflict do nothing",
            (head_of("external_userid@wwours"),),
        )
        assert ('name="shown.wecom"' in visit.look()) is shown


def test_headers_and_the_absence_of_scripts(visit: Visit) -> None:
    found = visit.browser.get(visit.path)
    assert "<script" not in found.text
    assert "style=" not in found.text
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["referrer-policy"] == "same-origin"
    assert "noindex" in found.headers["x-robots-tag"]
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert "set-cookie" not in found.headers


def test_what_is_saved_goes_by_the_door_and_holds_at_once(visit: Visit) -> None:
    text = visit.save(
        "class.marketing",
        "channel.sandbox",
        **{"channel.email": "1", "cap": "2", "zone": "Asia/Tokyo", "from": "20:00", "to": "09:00"},
    )
    assert visit.said() == [
        ("consent_given", {"channel": "email"}),
        ("consent_withdrawn", {"channel": "sandbox"}),
        ("consent_withdrawn", {"class": "marketing"}),
        ("profile_updated", {"traits": {"contact_cap": 2, "time_zone": "Asia/Tokyo", "quiet_hours": "20:00-09:00"}}),
    ]
    assert visit.consent == {"email": True, "sandbox": False, "class:marketing": False}
    assert visit.traits == {"contact_cap": 2, "time_zone": "Asia/Tokyo", "quiet_hours": "20:00-09:00"}
    assert "已保存" in text
    shown = visit.form()
    assert (shown["cap"], shown["zone"], shown["from"], shown["to"]) == ("2", "Asia/Tokyo", "20:00", "09:00")
    assert "channel.sandbox" not in shown
    visit.save()
    assert len(visit.said()) == 4, "nothing changed, nothing said"


def test_one_end_of_the_quiet_hours_leaves_the_other_as_the_brand_has_it(visit: Visit) -> None:
    visit.save(**{"from": "20:00"})
    assert visit.traits == {"quiet_hours": "20:00-08:00"}
    visit.save(**{"from": "", "to": ""})
    assert visit.traits == {}


def test_undo_puts_back_what_was(visit: Visit) -> None:
    visit.save(cap="1")
    text = visit.save("channel.sandbox", "class.companion", cap="3", zone="Europe/Paris")
    undo = next(part for part in text.split("<form") if "撤销" in part)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', undo))
    visit.browser.post(visit.path, data=fields)
    assert visit.consent == {"sandbox": True, "class:companion": True}
    assert visit.traits == {"contact_cap": 1}


def test_stop_everything_and_think_again(visit: Visit) -> None:
    text = unescape(visit.browser.post(visit.path, data={"stop": "1"}).text)
    assert visit.said() == [("consent_withdrawn", {"channel": "*"})]
    assert "您已停止接收全部消息" in text
    assert not [name for name in visit.form() if name.startswith("channel.")]
    undo = next(part for part in text.split("<form") if "撤销" in part)
    visit.browser.post(visit.path, data=dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', undo)))
    assert visit.consent == {"*": False, "sandbox": True}, "mail was never agreed to, and is not now"


def test_a_form_cannot_say_more_than_the_page_shows(visit: Visit) -> None:
    fields = visit.form() | {
        "shown.wecom": "1",
        "channel.wecom": "1",
        "shown.nothing": "1",
        "cap": "-1",
        "zone": "Mars/Base",
        "from": "25:00",
        "to": "x",
    }
    found = visit.browser.post(visit.path, data=fields | {"shown.\0": "1"})
    assert found.status_code == 200
    assert visit.said() == []


def test_a_link_is_for_one_person_until_its_last_day() -> None:
    text = token(VAULT, NOW, 7)
    assert len(text) == 32
    assert text == token(VAULT, NOW + timedelta(minutes=1), 7)
    assert holder(VAULT, NOW, text) == 7
    assert holder(VAULT, NOW + timedelta(days=VALID_DAYS), text) == 7
    assert holder(VAULT, NOW + timedelta(days=VALID_DAYS + 1), text) is None
    for wrong in (
        "",
        "x",
        text[:-1],
        text + "A",
        "B" + text[1:],
        text[:-1] + ("B" if text[-1] != "B" else "C"),
        "?" * 32,
        "é" * 32,
    ):
        assert holder(VAULT, NOW, wrong) is None, wrong
    other = VAULT.__class__(b"t" * 32)
    assert holder(other, NOW, text) is None


@pytest.mark.parametrize("path", ["x", "A" * 32, "%00", "../../etc"])
def test_a_link_of_somebody_elses_making_leads_to_a_friendly_page(visit: Visit, path: str) -> None:
    for found in (visit.browser.get(f"/p/{path}"), visit.browser.post(f"/p/{path}", data={"stop": "1"})):
        assert found.status_code == 404
        assert "text/html" in found.headers["content-type"]
    old = token(VAULT, NOW - timedelta(days=VALID_DAYS + 2), visit.person)
    assert "链接已失效" in visit.browser.get(f"/p/{old}").text
    assert visit.browser.post(f"/p/{old}", data={"stop": "1"}).status_code == 404
    stranger = token(VAULT, NOW, visit.person + 99)
    assert visit.browser.get(f"/p/{stranger}").status_code == 404
    assert visit.said() == []


def test_the_link_of_a_merged_person_opens_the_page_of_who_goes_on(visit: Visit) -> None:
    [gone] = people(visit.conn, 1)
    visit.conn.execute("update person set merged_into = %s where person_id = %s", (visit.person, gone))
    visit.browser.post(f"/p/{token(VAULT, NOW, gone)}", data={"stop": "1"})
    assert visit.consent == {"*": False}


def test_too_many_changes_wait(visit: Visit) -> None:
    codes = [visit.browser.post(visit.path, data={"stop": "1"}, follow_redirects=False).status_code for _ in range(31)]
    assert codes == [303] * 30 + [429]
    assert visit.browser.get(visit.path).status_code == 200, "one may still look"
    visit.clock.now += timedelta(minutes=10)
    assert visit.browser.post(visit.path, data={"stop": "1"}).status_code == 200
    assert (
        visit.browser.post(
            visit.path, content=b"x" * 30_000, headers={"content-type": "application/x-www-form-urlencoded"}
        ).status_code
        == 413
    )


@pytest.mark.parametrize("as_files", [False, True])
def test_one_click_from_a_mail_program(visit: Visit, as_files: bool) -> None:
    visit.save(**{"channel.email": "1"})
    asked = visit.browser.get(f"{visit.path}/email")
    assert (asked.status_code, "不再通过「邮件」接收" in asked.text) == (200, True)
    assert visit.consent == {"email": True}, "programs that check mail open every link"
    click: dict[str, Any] = (
        {"files": {"List-Unsubscribe": (None, "One-Click")}}
        if as_files
        else {"data": {"List-Unsubscribe": "One-Click"}}
    )
    with httpx.Client(base_url=visit.base) as mail_program:
        done = mail_program.post(f"{visit.path}/email", **click)
        assert (done.status_code, done.history) == (200, [])
        assert mail_program.post(f"{visit.path}/email", **click).status_code == 200, "twice is once"
        assert mail_program.post(f"{visit.path}/pigeon", **click).status_code == 404
    assert visit.consent == {"email": False}
    assert [props for type, props in visit.said() if type == "consent_withdrawn"] == [{"channel": "email"}]


class Kept(Channel):
    """Keeps the letters."""

    name, handle = "email", None

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, conn: psycopg.Connection, now: datetime, letters: Any) -> list[Result]:  # noqa: ARG002
        self.letters += letters
        return [Result.sent() for _ in letters]


def test_letters_carry_the_link(conn: psycopg.Connection, home: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    channel, persons = Kept(), people(conn, 2)
    decided(conn, persons[:1], channel="email", now=NOW, body="退订 {{ preferences }}")
    send(conn, NOW, Only(), channels={"email": channel})
    assert channel.letters == [], "nobody has said where the page is, so there is nothing to print"

    monkeypatch.setenv(config.PUBLIC_URL.name, "https://crm.example.com/")
    [marketing] = decided(conn, persons[1:], channel="email", message="other", now=NOW, body="退订 {{ preferences }}")
    [service] = decided(conn, persons[1:], channel="email", message="order", now=NOW, body="您的订单")
    conn.execute("update touch set class = 'service' where touch_id = %s", (service,))
    send(conn, NOW, Only(), channels={"email": channel})
    letters = {letter.touch_id: letter for letter in channel.letters}
    link = f"https://crm.example.com/p/{token(open_vault(), NOW, persons[1])}"
    assert letters[marketing].body == f"退订 {link}"
    assert letters[marketing].meta["unsubscribe"] == f"{link}/email"
    assert "unsubscribe" not in letters[service].meta
    assert attempt(conn, marketing).state == "sent"

    mail = Email("smtp://localhost:25", "pond@example.com")
    letter = letters[marketing]
    message = message_from_bytes(
        mail.compose(NOW, Letter(1, 1, "li@example.com", "一", letter.body, letter.meta)).as_bytes()
    )
    assert message["List-Unsubscribe"].replace("\n", "").strip() == f"<{link}/email>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain = mail.compose(NOW, Letter(1, 1, "li@example.com", "一", "二", {"unsubscribe": "http://localhost/p/x/email"}))
    assert plain["List-Unsubscribe-Post"] is None, "the standard asks for TLS"
