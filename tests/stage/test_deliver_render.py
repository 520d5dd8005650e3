"""Words: what a template may see, and that a hole or a trick never goes out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yutang.deliver.asks import asked_in
from yutang.deliver.backoff import MOST_TRIES, SPREAD, WAITS, wait
from yutang.deliver.quiet import quiet_until
from yutang.deliver.render import CannotRender, check, discount, render, variables
from yutang.web.pages.messages.variables import asked_for

POND = {"title": "鱼塘"}


def test_names_fall_back_and_tests_are_allowed():
    values = variables(None, None, POND)
    body = "{{ person.name }}{% if person.city %}在{{ person.city }}{% endif %}{% if coupon %}{{ coupon.code }}{% endif %}，{{ person.age | default('?') }}"
    assert render("{{ pond.title }}", body, values) == ("鱼塘", "朋友，?")
    assert render("s", body, variables({"name": "小李", "city": "杭州"}, {"code": "C1"}, POND))[1] == "小李在杭州C1，?"


def test_subject_is_one_line_whatever_the_name_holds():
    values = variables({"name": "a\r\nBcc: x@y.z"}, None, POND)
    assert render("Hi {{ person.name }}", "", values)[0] == "Hi a Bcc: x@y.z"


def test_person_data_is_never_a_template():
    assert render("s", "{{ person.name }}", variables({"name": "{{ 7 * 7 }}"}, None, POND))[1] == "{{ 7 * 7 }}"


@pytest.mark.parametrize(
    "body",
    [
        "{{ person.city }}",
        "{{ coupon.code }}",
        "{{ person.name",
        "{{ nothing }}",
        "{{ person.name + 1 }}",
        "{{ 1 / 0 }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% set _ = person.update(name='x') %}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{{ 'x' * 10**10 }}",
        "{{ 10**10 * [1] }}",
        "{{ 10**(10**10) }}",
        "{% set n = namespace(x=9) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
    ],
)
def test_a_bad_template_is_named_and_quotes_no_person(body: str):
    with pytest.raises(CannotRender) as error:
        render("s", body, variables({"name": "SECRET"}, None, POND))
    assert "SECRET" not in str(error.value)


def test_a_syntax_error_names_its_line():
    check("{% if coupon %}\n{{ coupon.code }}{% endif %}")
    with pytest.raises(CannotRender, match=r"^line 2: "):
        check("first\n{% if coupon %")


@pytest.mark.parametrize(
    "body",
    ["{{ 'x' * 10**10 }}", "{% set a = 10**(10**10) %}", "{{ 'x' | center(10**11) }}", "{% if 'x' * 10**11 %}wallet{% endif %}"],
)  # fmt: skip
def test_reading_a_template_reckons_nothing(body: str):
    """Each would fill the memory, or take for ever, if it were worked out."""
    check(body)
    assert asked_in(body) <= {"wallet"}
    assert asked_for(body) == []


def test_what_a_template_may_say_of_its_own_is_known():
    check(
        "{% set a = 2 * 3 %}{{ a }}{% for p in products %}{{ loop.index }}{{ p.title }}{% endfor %}{{ range(3) | sum }}"
    )
    check(
        "{% set coupon = {'kind': 1} %}{{ coupon.kind }}{{ person.anything }}{{ run.anything }}{{ preferences }}{{ wallet }}"
    )
    check("{% macro hi(who) %}{{ who.x }}{% endmacro %}{{ hi(person) }}{{ pond.get('title') }}")
    assert render("s", "{{ 2 * 3 }}{{ '-' * 3 }}{{ 2 ** 10 }}{{ 1.5 * 2 }}", {}) == ("s", "6---10243.0")


@pytest.mark.parametrize(
    ("at", "begin", "end", "until"),
    [
        ("2026-03-02T21:59", "22:00", "08:00", None),
        ("2026-03-02T22:00", "22:00", "08:00", "2026-03-03T08:00"),
        ("2026-03-03T07:59", "22:00", "08:00", "2026-03-03T08:00"),
        ("2026-03-03T08:00", "22:00", "08:00", None),
        ("2026-03-02T13:00", "12:00", "14:00", "2026-03-02T14:00"),
        ("2026-03-02T14:00", "12:00", "14:00", None),
        ("2026-03-02T14:00", "00:00", "00:00", None),
    ],
)
def test_quiet_hours_have_an_end(at, begin, end, until):
    def local(text):
        return datetime.fromisoformat(text + "+08:00")

    assert quiet_until(local(at), "Asia/Shanghai", {"from": begin, "to": end, "holidays": []}) == (
        until and local(until)
    )


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ((85, None, 0, 1), "8.5折"),
        ((50, None, 2000, 1), "满20元5折"),
        ((None, 1200, 3000, 1), "满30元减12元"),
        ((None, 1250, 0, 1), "减12.50元"),
        ((None, None, 0, 500), "减5元"),
    ],
)
def test_a_coupon_says_what_it_is_worth(terms, text):
    assert discount(*terms) == text


@given(st.integers(0, 2**62))
def test_waits_grow_and_end(touch_id: int):
    waits = [wait(tries, touch_id) for tries in range(1, MOST_TRIES + 1)]
    assert waits[-1] is None
    for base, found in zip(WAITS, waits[:-1], strict=True):
        assert found is not None
        assert base <= found < base * (1 + SPREAD) + timedelta(seconds=1)
    assert waits == [wait(tries, touch_id) for tries in range(1, MOST_TRIES + 1)]


def test_letters_that_fail_together_do_not_return_together():
    assert len({wait(1, touch_id) for touch_id in range(100)}) > 90
