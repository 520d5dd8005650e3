"""The fields of an account as a form sends them: what is given, what is wrong with it, and what it changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from yutang.channels.platform.account import ACCOUNT_FIELDS, Account
from yutang.web.forms import text_of

CLEAR = "clear:"
"""Before the name of a field: a box that takes a secret away."""


def defaults(kind: str) -> dict[str, str]:
    return {field.name: field.default for field in ACCOUNT_FIELDS.get(kind, ()) if field.default}


def given(kind: str, data: Mapping[str, Any]) -> dict[str, str]:
    """What the form says. A secret that is left empty says nothing."""
    found = {}
    for field in ACCOUNT_FIELDS[kind]:
        text = text_of(data, field.name)
        if text or not field.secret or text_of(data, CLEAR + field.name):
            found[field.name] = text
    return found


def wrong(kind: str, said: Mapping[str, str], before: Account | None) -> dict[str, dict[str, str]]:
    """What is wrong, by field, in both languages."""
    known = {} if before is None else {**before.settings, **before.secrets}
    values = known | dict(said)
    found = {}
    for field in ACCOUNT_FIELDS[kind]:
        value = values.get(field.name, "") or field.default
        if field.needed(values) and not value:
            found[field.name] = {"zh": "这一项必填。", "en": "This is needed."}
        elif value and not re.fullmatch(field.pattern, value):
            found[field.name] = {"zh": "格式不对。", "en": "This has the wrong form."}
    return found


def changed(before: Account | None, after: Account) -> list[str]:
    """The names of the fields that are not as they were; never their values."""
    old = {} if before is None else {**before.settings, **before.secrets}
    new = {**after.settings, **after.secrets}
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
