"""What goes together on an order: the same from either side, and no floor is ever passed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from yutang.offer.together import FOREIGN, Terms, below_margin, go_together

NAMES = ("a", "b", "c")
some_terms = st.builds(
    lambda name, stackable, group, excludes, floor, left: replace(
        FOREIGN, name=name, stackable=stackable, group=group, excludes=frozenset(excludes), floor_percent=floor, left_percent=left
    ),
    st.sampled_from(NAMES), st.booleans(), st.sampled_from([None, "shop", "brand"]),
    st.sets(st.sampled_from([*NAMES, "shop"]), max_size=2), st.integers(0, 100), st.none() | st.integers(0, 100),
)  # fmt: skip


def one(name: str, **fields: object) -> Terms:
    return replace(FOREIGN, name=name, **fields)  # type: ignore[arg-type]


@given(some_terms, some_terms)
def test_it_does_not_matter_who_asks(x: Terms, y: Terms) -> None:
    assert go_together(x, y) == go_together(y, x)
    if not (x.stackable and y.stackable):
        assert not go_together(x, y)


def test_groups_and_exclusions() -> None:
    tea, cake, milk = one("tea", group="shop"), one("cake", group="shop"), one("milk", group="brand")
    assert not go_together(tea, cake), "one of a group"
    assert go_together(tea, milk)
    assert not go_together(tea, one("new", excludes=frozenset({"shop"}))), "a group can be excluded"
    assert not go_together(one("new", excludes=frozenset({"tea"})), tea), "an offer can be excluded"
    assert go_together(one("x"), one("y"))
    assert not go_together(one("x", stackable=False), one("y"))


@given(
    st.lists(some_terms, min_size=1, max_size=3),
    st.integers(1, 10_000),
    st.integers(0, 10_000),
    st.integers(-100, 10_000),
)
def test_what_is_not_below_leaves_every_floor(terms: list[Terms], amount: int, off: int, margin: int) -> None:
    if not below_margin(terms, amount, off, margin):
        assert all((amount - off) / amount * 100 >= t.floor_percent - 1e-9 for t in terms)
        assert all((margin - off) / amount * 100 >= t.left_percent - 1e-9 for t in terms if t.left_percent is not None)
    assert (
        not below_margin([replace(t, floor_percent=0, left_percent=None) for t in terms], amount, off, margin)
        or off > amount
    )
