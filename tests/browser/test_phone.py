"""The phone page in a real Chromium, as a person holds it: both sides of a chat, and the till."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cities import Living, living
from yutang.emulator import miniprogram, shop

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def city() -> Iterator[Living]:
    """A served city with one live code; nobody has scanned it."""
    with living() as found:
        wanted = {"type": 1, "scene": 2, "user": ["guide01"], "state": "s_hz_01", "remark": "西湖店包裹卡"}
        assert found.api.post("externalcontact/add_contact_way", wanted)["errcode"] == 0
        yield found


@pytest.fixture
def page(opened: Any, city: Living) -> Iterator[Any]:  # noqa: ARG001
    """A phone that runs no scripts. It is put away before the city ends."""
    with opened(viewport=PHONE, java_script_enabled=False) as page:
        yield page


def newcomer(page: Any, city: Living, name: str = "小鱼") -> Any:
    """A new customer, made on the page; returns the customer of the city."""
    page.goto(f"{city.address}/phone")
    page.get_by_label("新顾客的名字").fill(name)
    page.get_by_role("button", name="来一位新顾客").click()
    page.wait_for_url("**/scan")
    return next(one for one in city.city.people.customers.values() if one.name == name)


def befriended(page: Any, city: Living) -> Any:
    customer = newcomer(page, city)
    page.get_by_role("button", name="扫 Scan 西湖店包裹卡").click()
    page.wait_for_url(f"**/phone/c/{customer.external_userid}")
    return customer


def test_from_the_parcel_card_to_the_till(page: Any, city: Living) -> None:
    api, told = city.api, city.city.callbacks.told
    customer = befriended(page, city)
    added = next(one for one in told if one.get("ChangeType") == "add_external_contact")
    assert added["State"] == "s_hz_01"
    hello = {"welcome_code": added["WelcomeCode"], "text": {"content": "%NICKNAME%，你好，我是小李"}}
    assert api.post("externalcontact/send_welcome_msg", hello)["errcode"] == 0
    page.reload()
    page.get_by_role("link", name="店员guide01").click()
    assert "小鱼，你好，我是小李" in page.inner_text("main")

    link = {"title": "会员日", "desc": "只限今天", "url": "https://shop.example/day"}
    task = api.post(
        "externalcontact/add_msg_template",
        chat_type="single",
        external_userid=[customer.external_userid],
        text={"content": "送你一张 5 元券，券码 K7WQ2M"},
        attachments=[{"msgtype": "link", "link": link}],
    )
    assert task["errcode"] == 0
    page.goto(f"{city.address}/phone/s/guide01")
    assert "K7WQ2M" in page.inner_text("main")
    assert city.city.inbox(customer)[-1].kind == "welcome", "nothing leaves before the tap"
    page.get_by_role("button", name="发送 Send").click()
    assert "已发送" in page.inner_text("[role=status]")
    assert page.get_by_role("button", name="发送 Send").count() == 0

    page.goto(f"{city.address}/phone/c/{customer.external_userid}/chat/guide01")
    assert "券码 K7WQ2M" in page.inner_text("main")
    assert page.get_by_role("link", name="会员日").get_attribute("href") == link["url"]
    page.get_by_label("说点什么").fill("谢谢！")
    page.get_by_role("button", name="发送").click()
    assert "谢谢！" in page.inner_text("main")

    page.goto(f"{city.address}/phone/c/{customer.external_userid}/shop")
    page.get_by_label("商品").select_option("latte")
    page.get_by_label("实付").fill("14.00")
    page.get_by_label("券码 K7WQ2M").check()
    page.get_by_role("button", name="付款").click()
    assert "已付款" in page.inner_text("[role=status]")
    (order,) = shop.orders_of(city.city, customer)
    assert (order.amount_fen, order.coupon_codes, order.product.sku) == (1400, ("K7WQ2M",), "latte")
    assert page.get_by_label("券码 K7WQ2M").count() == 0, "a used coupon is not offered again"


def test_a_till_that_cannot_reach_yutang_says_so(page: Any, city: Living) -> None:
    city.city.shop = ("http://127.0.0.1:9", "key")
    customer = newcomer(page, city)
    page.goto(f"{city.address}/phone/c/{customer.external_userid}/shop")
    page.get_by_role("button", name="付款").click()
    assert "鱼塘没有回应" in page.inner_text("[role=status]")
    page.reload()
    assert page.locator("[role=status]").count() == 0


def test_groups_permissions_and_the_account(page: Any, city: Living) -> None:
    group = city.city.makes_group("guide01", "西湖福利群")
    customer = befriended(page, city)
    me = f"{city.address}/phone/c/{customer.external_userid}/me"
    page.goto(me)
    page.get_by_role("button", name="加入 Join 西湖福利群").click()
    assert customer.external_userid in group.members
    page.get_by_role("button", name="允许一次 Allow once: 优惠到账提醒").click()
    program = miniprogram.main(city.city)
    assert [fan.grants for fan in program.fans.values()] == [{"SUB_COUPON": 1}]
    page.get_by_role("button", name="关注 Subscribe").click()
    page.get_by_role("button", name="取消关注 Unsubscribe").click()
    events = [one["Event"] for one in city.city.callbacks.told if one["Event"].endswith("subscribe")]
    assert events == ["subscribe", "unsubscribe"]
    page.goto(f"{city.address}/phone/c/{customer.external_userid}/chat/guide01")
    page.get_by_role("button", name="删除并拉黑").click()
    assert city.city.people.followers_of(customer.external_userid) == []


def test_the_staff_side(page: Any, city: Living) -> None:
    customer = befriended(page, city)
    page.goto(f"{city.address}/phone/s/guide01/customers")
    page.get_by_role("link", name="小鱼").click()
    page.get_by_label("说点什么").fill("欢迎来店里")
    page.get_by_role("button", name="发送").click()
    assert city.city.inbox(customer)[-1].text == "欢迎来店里"
    page.goto(f"{city.address}/phone/s/guide01/me")
    page.locator("summary").click()
    page.get_by_label("我确定离职").check()
    page.get_by_role("button", name="离职", exact=False).click()
    assert "已离职" in page.inner_text("main")
    assert city.city.people.staff["guide01"].status != 1


def test_no_page_scrolls_sideways_and_every_input_has_a_label(page: Any, city: Living) -> None:
    customer = befriended(page, city)
    for path in ("", "/scan", "/shop", "/me", "/chat/guide01"):
        check(page, f"{city.address}/phone/c/{customer.external_userid}{path}")
    for path in ("", "/customers", "/me", f"/chat/{customer.external_userid}"):
        check(page, f"{city.address}/phone/s/guide01{path}")
    check(page, f"{city.address}/phone")


def check(page: Any, url: str) -> None:
    assert page.goto(url).status == 200, url
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], url
    for one in page.locator("input:not([type=hidden]), select").all():
        assert one.evaluate("e => e.labels.length") == 1, url


def test_the_keyboard_reaches_the_scan(page: Any, city: Living) -> None:
    customer = newcomer(page, city)
    button = page.get_by_role("button", name="扫 Scan 西湖店包裹卡")
    for _ in range(12):
        page.keyboard.press("Tab")
        if button.evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/phone/c/{customer.external_userid}")
    assert city.city.relation("guide01", customer) is not None


def test_another_sites_form_is_refused(city: Living) -> None:
    customer = city.city.add_customer("小鱼")
    url = f"{city.address}/phone/c/{customer.external_userid}/buy"
    form = {"product": "latte", "quantity": "1"}
    answer = httpx.post(url, data=form, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert shop.orders_of(city.city, customer) == []
    wrong = httpx.post(url, data=form | {"amount": "1e9"}, follow_redirects=True)
    assert "没有成功" in wrong.text
    assert shop.orders_of(city.city, customer) == []
    assert "script-src" not in wrong.headers["content-security-policy"]
    assert httpx.get(f"{city.address}/phone/c/nobody").status_code == 404
