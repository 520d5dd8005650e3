"""A brand's folder is read as a whole; every mistake names file, line, column and the fix."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from faults import english
from yutang.brand import load_brand, read_brand, shipped
from yutang.model import YutangError
from yutang.source import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a shipped brand, to be spoilt."""
    return Path(shutil.copytree(shipped()["luckin"], tmp_path / "luckin"))


def spoil(folder: Path, file: str, old: str, new: str) -> str:
    """Replace a piece of a file, load the brand, and return what the error says."""
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(SourceError) as found:
        load_brand(folder)
    return english(found.value)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_brands_load_and_are_complete(name: str) -> None:
    brand = load_brand(shipped()[name])
    assert brand.name == name
    assert len(brand.segments) >= 8
    begun_by = (body["trigger"].get("event", ["segment"]) for body in brand.journeys.values())
    assert {one for several in begun_by for one in several} >= {
        "registered",
        "ordered",
        "segment",
    }
    assert any(body["sort"] == "ladder" for body in brand.offers.values())
    said = {line["message"] for body in brand.journeys.values() for line in body["program"] if line.get("message")}
    assert said == set(brand.messages), "every message is said by some journey"


def test_the_shipped_ladder_is_the_rule_of_the_trade() -> None:
    ladder = load_brand(shipped()["luckin"]).offers["cup_ladder"]
    assert (ladder["silence_days"], ladder["down"], ladder["up"]) == (30, [85, 43, 28], [43, 58, 95])


def test_segments_stand_after_those_they_name() -> None:
    names = list(load_brand(shipped()["grocery"]).segments)
    assert names.index("silent") < names.index("silent_or_back")


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("pond.toml", "dormant_days = 30", "dormant_days = 90", "pond.toml:17:1: dormant_days (90) must be less than lost_days (60)"),
        ("pond.toml", "window_days = 7", "window_days = 0", "pond.toml:24:15: expected a whole number from 1"),
        ("pond.toml", "window_days", "window_day", "pond.toml:24:1: unknown key 'window_day'; did you mean 'window_days'?"),
        ("pond.toml", "[quiet]", "[price]\nsandbox = 4\n\n[quiet]", "pond.toml:29:11: a touch by 'sandbox' takes 4 points, and the [budget] gives nobody more than 3"),
        ("pond.toml", "[quiet]", "[price]\nsandbox = -1\n\n[quiet]", "pond.toml:29:11: expected a whole number from 0"),
        ("pond.toml", "[quiet]", "[price]\nsandbux = 1\n\n[quiet]", "pond.toml:29:1: there is no channel 'sandbux'; did you mean 'sandbox'?"),
        ("pond.toml", "[quiet]", "[cost_fen]\nmoment = 1\n\n[quiet]", "pond.toml:29:1: there is no channel 'moment'; did you mean 'moments'?"),
        ("pond.toml", "[quiet]", "[cost_fen]\ntelex = 1\n\n[quiet]", "pond.toml:29:1: there is no channel 'telex'; write one of: customer_service, email, group, "),
        ("pond.toml", "[sources]", '[sources]\n"a\\u0000b" = "x"', "pond.toml:9:1: the text holds a NUL character; remove it"),
        ("pond.toml", "[sources]", '[sources]\n" " = "x"', "pond.toml:9:1: a source has a name"),
        ("journeys/welcome.yml", "{event: registered}", '{event: "vie\\0wed"}', "journeys/welcome.yml:2:18: the text holds a NUL character; remove it"),
        ("offers.yml", "first_cup:", '"first\\0cup":', "offers.yml:1:1: the text holds a NUL character; remove it"),
        ("messages/welcome.md", "channel: sandbox", "channel:  # none", "messages/welcome.md:4:1: expected a text, found nothing"),
        ("pond.toml", "[consent]", '[consent]\nwebhok = "assumed"', "pond.toml:33:1: there is no channel 'webhok'; did you mean 'webhook'?"),
        ("pond.toml", "[consent]", '[reach]\nwecon = "openid"\n\n[consent]', "pond.toml:33:1: there is no channel 'wecon'; did you mean 'wecom'?"),
        ("pond.toml", "[quiet]", "[quiet]\nholidays = ['today']", "pond.toml:29:13: 'today' is no date; write it as 2026-01-31"),
        ("pond.toml", "Asia/Shanghai", "Asia/Shanghi", "pond.toml:3:13: unknown time zone 'Asia/Shanghi'; did you mean 'Asia/Shanghai'?"),
        ("pond.toml", "Asia/Shanghai", "Asia/Beijing", "unknown time zone 'Asia/Beijing'; did you mean 'Asia/Shanghai'?"),
        ("pond.toml", "Asia/Shanghai", "深圳", "unknown time zone '深圳'; did you mean 'Asia/Shanghai'?"),
        ("pond.toml", "Asia/Shanghai", "asia/shanghai", "did you mean 'Asia/Shanghai'?"),
        ("pond.toml", "Asia/Shanghai", "New York", "did you mean 'America/New_York'?"),
        ("pond.toml", "Asia/Shanghai", "Mars/Olympus", "unknown time zone 'Mars/Olympus'; write for example Asia/Shanghai"),
        ("pond.toml", 'sandbox = "assumed"', 'sandbox = "asumed"', "pond.toml:33:11: 'asumed' is not possible here; did you mean 'assumed'?"),
        ("pond.toml", "lost_days = 60", "lost_days = 9999999999", "pond.toml:21:13: expected a whole number from 1 to 1000000, found '9999999999'"),
        ("pond.toml", "mature_orders = 6", "mature_orders = 99999999999", "pond.toml:19:17: expected a whole number from 1 to 1000000"),
        ("pond.toml", "[3, 7, 21, 45]", "[3, 7, 21, 99999999999]", "pond.toml:13:27: expected a whole number from 0 to 1000000"),
        ("pond.toml", "frequency = [", "frequency = [99999999999, ", "pond.toml:14:14: expected a whole number from 0 to 1000000"),
        ("offers.yml", "sort: coupon", "sort: coupon\n  per_person: 9999999999", "expected a whole number from 1 to 1000000"),
        ("offers.yml", "sort: coupon", "sort: coupon\n  limits: {phone: 9999999999}", "expected a whole number from 1 to 1000000"),
        ("pond.toml", "recency_days = [3, 7,", "recency_days = [3, 7", "pond.toml:13:"),
        ("pond.toml", "[3, 7, 21, 45]", "[3, 7, 7, 45]", "pond.toml:13:16: four rising numbers"),
        ("pond.toml", "[quiet]", "[quiet]\nholidays = [  # in both years\n  '2026-01-01', 'today'\n]", "pond.toml:30:17: 'today' is no date"),
        ("pond.toml", "[quiet]", "[history]\nhot_days = 7\n[quiet]", "pond.toml:29:12: expected a whole number from 90"),
        ("pond.toml", "[quiet]", "[recommend]\nnever = [\"\"\"a#]\n\"\"\", 'b', 3]\n\n[quiet]", "pond.toml:30:11: 3 is a number; put it in quotes"),
        ("pond.toml", "time_zone", "approval.required = 'yes'\ntime_zone", "pond.toml:3:21: expected true or false, found 'yes'"),
        ("pond.toml", "time_zone", "approval = {required = true, 'by' = 1}\ntime_zone", "pond.toml:3:30: unknown key 'by'"),
        ("pond.toml", "time_zone", "time_zones", "pond.toml:3:1: unknown key 'time_zones'; did you mean 'time_zone'?"),
        ("pond.toml", "time_zone", "# time_zone", "pond.toml:1:1: 'time_zone' is missing"),
        ("pond.toml", ', en = "Blue Deer Coffee"', "", "pond.toml:2:9: 'en' is missing; write 'en = …'"),
        ("pond.toml", "[quiet]", "[quiet]\nholidays = true", "pond.toml:29:12: expected a list, found 'true'; write it as [a, b]"),
        ("pond.toml", "[quiet]", "[quiet", "pond.toml:28:7: this is not TOML"),
        ("segments/lost.yml", "more_than_days", "more_then_days", "segments/lost.yml:2:"),
        ("journeys/welcome.yml", "offer: first_cup", "offer: first_cap", "journeys/welcome.yml:10:12: there is no coupon 'first_cap'; did you mean 'first_cup'?"),
        ("journeys/welcome.yml", "offer: first_cup", "offer: cup_ladder", "journeys/welcome.yml:10:12: there is no coupon 'cup_ladder'"),
        ("journeys/cup_ladder.yml", "ladder: cup_ladder", "ladder: wake_up", "journeys/cup_ladder.yml:7:13: there is no ladder 'wake_up'"),
        ("journeys/dormant.yml", "message: we_miss_you", "message: we_miss_u", "journeys/dormant.yml:10:14: there is no message 'we_miss_u'; did you mean 'we_miss_you'?"),
        ("journeys/dormant.yml", "segment: dormant", "segment: dormnt", "journeys/dormant.yml:2:20: there is no segment 'dormnt'; did you mean 'dormant'?"),
        ("journeys/dormant.yml", "value_fen", "audience: {segment: loyl}\nvalue_fen", "journeys/dormant.yml:5:11: there is no segment 'loyl'; did you mean 'loyal'?"),
        ("journeys/dormant.yml", "message: come_back", "{message: come_back, channel: sandbux}", "journeys/dormant.yml:13:35: there is no channel 'sandbux'; did you mean 'sandbox'?"),
        ("messages/welcome.md", "channel: sandbox", "channel: email", "messages/welcome.md:4:10: there is no channel 'email'"),
        ("messages/welcome.md", "{{ person.name }}，你好", "{{ person.name ，你好", "messages/welcome.md:6:1: the template is wrong"),
        ("messages/welcome.md", "{{ person.name }}，你好", "好\n{{ persn.name }}", "messages/welcome.md:7:1: the template is wrong: there is no variable 'persn'; did you mean 'person'?"),
        ("messages/welcome.md", "{{ person.name }}，你好", "{{ xyz }}", "welcome.md:6:1: the template is wrong: there is no variable 'xyz'; write one of: coupon, person, pond, preferences, products, run, wallet"),
        ("messages/welcome.md", "{{ person.name }}，你好", "{{ coupon.cod }}", "welcome.md:6:1: the template is wrong: 'coupon' has no 'cod'; did you mean 'code'?"),
        ("messages/welcome.md", "{{ pond.title }}", "{{ pond['name'] }}", "welcome.md:3:1: the template is wrong: 'pond' has no 'name'; write one of: title"),
        ("messages/welcome.md", "{{ person.name }}，你好", "{% include 'foot.md' %}", "welcome.md:6:1: the template is wrong: a message stands alone"),
        ("messages/welcome.md", "{{ person.name }}，你好", "{% from 'foot.md' import foot %}", "welcome.md:6:1: the template is wrong: a message stands alone"),
        ("messages/welcome.md", "{{ person.name }}，你好", "{% extends 'foot.md' %}", "welcome.md:6:1: the template is wrong: a message stands alone"),
        ("messages/welcome.md", "subject: 欢迎来到{{ pond.title }}", 'subject: "{% if x %}"', "messages/welcome.md:3:1: the template is wrong"),
        ("messages/welcome.md", "---\ntitle", "title", "messages/welcome.md:1:1: a message begins with a line '---'"),
        ("offers.yml", "up: [43, 58, 95]", "up: [43, 58, 950]", "offers.yml:"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_the_fix(folder: Path, file: str, old: str, new: str, says: str) -> None:
    assert says in spoil(folder, file, old, new)


COUPON_STEPS = "steps:\n  - message: first_cup\n"


def test_a_coupon_that_no_offer_gives_cannot_be_told(folder: Path) -> None:
    """The step that has an offer before it says the same message rightly; one that asks first says it anywhere."""
    assert spoil(folder, "journeys/welcome.yml", "steps:\n", COUPON_STEPS) == (
        "journeys/welcome.yml:7:14: the message 'first_cup' prints 'coupon.discount', and there is no coupon here, so nobody "
        "could get it; add '- offer: …' right before this step, or ask '{% if coupon %}' in the message"
    )
    words = (folder / "messages/first_cup.md").read_text("utf-8")
    asks = re.sub(
        r"\{\{ (coupon\.\w+) \}\}", r"{{ \1 if coupon }}{{ \1 | default('') }}{% if coupon %}{{ \1 }}{% endif %}", words
    )
    (folder / "messages/first_cup.md").write_text(asks, "utf-8")
    load_brand(folder)


@pytest.mark.parametrize(
    "steps",
    [
        "- if: {tag: vip}\n    then: [{message: first_cup}]",
        "- split: {a: 1, b: 1}\n    then: {b: [{offer: first_cup}, {message: welcome}, {message: first_cup}]}",
    ],
)
def test_an_offer_goes_with_the_next_message_alone(folder: Path, steps: str) -> None:
    assert "the message 'first_cup' prints" in spoil(folder, "journeys/welcome.yml", "steps:\n", f"steps:\n  {steps}\n")


def test_what_no_quotes_would_mend_is_not_told_to_be_put_in_quotes(folder: Path) -> None:
    number = spoil(folder, "messages/welcome.md", "channel: sandbox", "channel: 12")
    listed = spoil(folder, "messages/welcome.md", "channel: 12", "channel: [sandbox]")
    empty = spoil(folder, "messages/welcome.md", "channel: [sandbox]", "channel:")
    assert number.endswith("expected a text, found '12'; put it in quotes")
    assert listed.endswith("expected a text, found a list")
    assert empty.endswith("expected a text, found nothing")


def test_a_channel_of_the_brands_own_may_have_a_price(folder: Path) -> None:
    """One that [consent] names is known, whoever has made it; so is one that is sent by all the same."""
    text = (folder / "pond.toml").read_text("utf-8").replace("[quiet]", "[price]\npigeon = 2\nsms = 2\n\n[quiet]")
    (folder / "pond.toml").write_text(text.replace("[consent]", '[consent]\npigeon = "assumed"'), "utf-8")
    assert load_brand(folder).pond["price"] == {"pigeon": 2, "sms": 2}


def test_segments_in_a_circle(folder: Path) -> None:
    (folder / "segments/a.yml").write_text("title: {zh: 甲, en: A}\nrule: {segment: b}\n", "utf-8")
    (folder / "segments/b.yml").write_text("title: {zh: 乙, en: B}\nrule: {not: {segment: a}}\n", "utf-8")
    with pytest.raises(SourceError, match="in a circle"):
        load_brand(folder)


def test_a_file_that_is_not_utf8(folder: Path) -> None:
    (folder / "messages/welcome.md").write_bytes("---\ntitle: 茶".encode() + "馆".encode("gbk"))
    with pytest.raises(SourceError) as found:
        load_brand(folder)
    assert english(found.value) == "messages/welcome.md:2:9: not UTF-8 at byte 14; save the file as UTF-8"


def test_the_mark_that_windows_puts_before_a_text_is_no_part_of_it(folder: Path) -> None:
    for file in ("pond.toml", "offers.yml", "segments/lost.yml", "messages/welcome.md"):
        (folder / file).write_bytes(b"\xef\xbb\xbf" + (folder / file).read_bytes())
    assert load_brand(folder) == load_brand(shipped()["luckin"])


@pytest.mark.parametrize(
    ("file", "fix"),
    [
        ("segments/today.yaml", "rename it to segments/today.yml"),
        ("segments/today.YML", "rename it to segments/today.yml"),
        ("segments/vip/gold.yml", "rename it to segments/gold.yml"),
        ("journeys/today.yaml", "rename it to journeys/today.yml"),
        ("messages/hello.markdown", "rename it to messages/hello.md"),
        ("offers.yaml", "rename it to offers.yml"),
        ("stores.yaml", "rename it to stores.yml"),
        ("offer.yml", "its files are pond.toml, offers.yml"),
        ("messages/hello.yml", "its files are pond.toml, offers.yml"),
    ],
)
def test_a_file_that_nobody_would_read_is_named_with_the_fix(folder: Path, file: str, fix: str) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text("title: {zh: 甲, en: A}\n", "utf-8")
    with pytest.raises(SourceError) as found:
        load_brand(folder)
    assert str(found.value).startswith(f"{file}: ")
    assert fix in english(found.value)
    with pytest.raises(SourceError, match=re.escape(fix)):
        read_brand(load_brand(shipped()["luckin"]).files | {file: ""})


def test_a_segment_that_is_renamed_is_not_taken_out_of_service(folder: Path) -> None:
    (folder / "segments/lost.yml").rename(folder / "segments/lost.yaml")
    with pytest.raises(SourceError, match=r"^segments/lost\.yaml: .*rename it to segments/lost\.yml"):
        load_brand(folder)


def test_what_else_lies_in_the_folder_harms_nothing(folder: Path) -> None:
    for file in (
        "README.md",
        "CHANGES.md",
        "notes.txt",
        ".ci.yaml",
        "segments/README.md",
        "journeys/old.yml.off",
        "docs/x.yaml",
    ):
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text("words\n", "utf-8")
    assert load_brand(folder).files == load_brand(shipped()["luckin"]).files


def test_no_brand_there(tmp_path: Path) -> None:
    with pytest.raises(YutangError, match=r"pond\.toml"):
        load_brand(tmp_path)


def test_the_budget_of_a_pond(folder: Path) -> None:
    path = folder / "pond.toml"
    words = "companion = 2\ntotal = 4\n\n[price]\nsandbox = 3\ngroup = 0\n\n[cost_fen]\nsandbox = 5\n"
    text = path.read_text("utf-8").replace("companion = 2\n", words)
    path.write_text(text.replace("[quiet]", "[quiet]\nholidays = [2026-10-02, 2026-10-01, 2026-10-02]"), "utf-8")
    pond = load_brand(folder).pond
    assert pond["budget"] == {"window_days": 7, "marketing": 3, "companion": 2, "service": None, "total": 4}
    assert (pond["price"], pond["cost_fen"]) == ({"sandbox": 3, "group": 0}, {"sandbox": 5})
    assert pond["quiet"] == {"from": "22:00", "to": "08:00", "holidays": ["2026-10-01", "2026-10-02"]}
