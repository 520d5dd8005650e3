"""Stores: read from the brand's folder, named by journeys, put into service."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from faults import english
from yutang import definitions
from yutang.brand import publish, read_brand
from yutang.source import SourceError

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
STORES = "bund: {title: {zh: 外滩店, en: The Bund}, lat: 31.24, lon: 121.49}\n"
HELLO = "---\ntitle: {zh: 你好, en: Hello}\nsubject: 你好\nchannel: sandbox\n---\n在 {{ run.store }}\n"


def files(near: str = "{store: any, within_m: 800}", stores: str | None = STORES) -> dict[str, str]:
    found = {
        "pond.toml": 'name = "shop"\ntitle = {zh = "店", en = "Shop"}\ntime_zone = "Asia/Shanghai"\n',
        "messages/hello.md": HELLO,
        "journeys/near.yml": f"title: {{zh: 近, en: Near}}\ntrigger: {{near: {near}}}\nsteps: [{{message: hello}}]\n",
    }
    return found if stores is None else found | {"stores.yml": stores}


def test_stores_are_put_into_service_and_taken_out(conn):
    publish(conn, NOW, read_brand(files("{store: bund, within_m: 300}")))
    (store,) = definitions.all_current(conn, "store")
    assert (store.name, store.body["lat"], store.body["lon"]) == ("bund", 31.24, 121.49)
    without = {path: text for path, text in files(stores=None).items() if path != "journeys/near.yml"}
    publish(conn, NOW, read_brand(without))
    assert definitions.all_current(conn, "store") == []


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (
            files("{store: bundd, within_m: 300}"),
            "journeys/near.yml:2:25: there is no store 'bundd'; did you mean 'bund'?",
        ),
        (files(stores=None), "journeys/near.yml:2:25: there is no store 'any'; there is no store at all; write one"),
        (
            files(stores="bund: {title: {zh: a, en: b}, lat: 131, lon: 121}"),
            "stores.yml:1:36: degrees lie between -90 and 90",
        ),
        (files(stores="bund: {lat: 31, lon: 121}"), "'title' is missing"),
    ],
)
def test_what_is_wrong_with_a_store_is_said(given, error):
    with pytest.raises(SourceError) as caught:
        read_brand(given)
    assert error in english(caught.value)
