"""The platforms' errors: a number, a word, and the hint that their support asks for."""

from __future__ import annotations

WORDS = {
    -1: "system busy",
    40001: "invalid credential",
    40003: "invalid userid",
    40004: "invalid media type",
    40005: "invalid file type",
    40006: "invalid media size",
    40007: "invalid media_id",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40029: "invalid code",
    40033: "invalid charset. please use utf-8",
    40050: "invalid chatid",
    40058: "invalid request parameter",
    40063: "some parameters are empty",
    40068: "invalid tagid",
    40071: "tag name already exists",
    40072: "invalid tag name length",
    40096: "invalid external userid",
    40097: "handover user is not dimission",
    40098: "takeover user is not real-name verified",
    40099: "takeover user reached the limit of contacts",
    40100: "contact is already being transferred",
    40126: "tag count over limit",
    40128: "contact transferred too often",
    40129: "contact is being transferred",
    40130: "handover and takeover are the same person",
    40131: "handover_userid is not a follower",
    40163: "code been used",
    41001: "access_token missing",
    41002: "corpid missing",
    41004: "corpsecret missing",
    41035: "external_userid missing",
    41037: "contact way type missing",
    41038: "contact way scene missing",
    41039: "invalid contact way type",
    41040: "invalid contact way scene",
    41041: "too many users in contact way",
    41042: "invalid contact way style",
    41043: "config_id missing",
    41044: "invalid config_id",
    41045: "contact way quota used up",
    41046: "msgid missing",
    41047: "invalid msgid",
    41048: "no customer to send",
    41049: "welcome_code missing",
    41050: "invalid welcome_code",
    41051: "welcome_code has been used",
    41055: "group welcome template over limit",
    41058: "no right to edit the template",
    41059: "moment_id missing",
    41060: "invalid moment_id",
    41061: "userid is not the poster",
    41062: "moment not published by the member",
    41063: "group msg is dispatching",
    41064: "too many attachments",
    41065: "invalid attachment type",
    41067: "invalid moment kind",
    41068: "invalid size of word list",
    41069: "too many intercept rules",
    41070: "invalid rule_id",
    41072: "media uploaded for another scene",
    41073: "invalid description",
    41075: "invalid product_id",
    41076: "applicable range is too large, use departments",
    41077: "rule name exists",
    41078: "too many async moment tasks",
    41079: "moment is dispatching",
    41083: "invalid word",
    41084: "invalid semantics",
    41085: "invalid product_sn",
    41086: "invalid price",
    41088: "no attachments",
    41089: "text and attachments are both empty",
    41091: "too many chats in join way",
    41093: "group msg has been cancelled",
    41094: "reminded too often",
    42001: "access_token expired",
    42003: "code expired",
    42022: "code has been used",
    43001: "require GET method",
    43002: "require POST method",
    44002: "empty post data",
    45009: "api freq out of limit",
    45033: "api concurrent out of limit",
    48002: "api forbidden",
    50001: "redirect_url domain is not trusted",
    50002: "member out of scope",
    60011: "no privilege to access",
    60020: "not allow to access from your ip",
    60111: "userid not found",
    60123: "invalid department id",
    81013: "all receivers are invalid",
    81017: "too many items",
    84061: "not external contact",
    84074: "no external contact permission",
    84083: "not a service member",
    84084: "not a follower",
    90500: "owner of the group is not dimission",
    90501: "not a customer group",
    90504: "group owner unchanged",
    95000: "invalid open_kfid",
    95001: "message count over limit",
    95002: "out of the service window",
    95007: "invalid msg token",
}
"""The words of the errcodes that this city can answer."""


class CityError(Exception):
    """An answer with an errcode. `hint` says which parameter, and why."""

    def __init__(self, code: int, hint: str = "") -> None:
        super().__init__(f"{code} {WORDS.get(code, '')} {hint}".strip())
        self.code, self.hint = code, hint

    def body(self, stamp: int, number: int) -> dict[str, object]:
        """The answer as JSON: errcode and an errmsg that ends like the real one, which nobody should parse."""
        words = (
            self.hint
            if self.hint.startswith("Warning")
            else " ".join(filter(None, (WORDS.get(self.code, "error"), self.hint)))
        )
        mark = f"{stamp}_{number}_{number * 2654435761 % 2**32:08x}"
        link = f"more info at https://open.work.weixin.qq.com/devtool/query?e={self.code}"
        return {"errcode": self.code, "errmsg": f"{words}, hint: [{mark}], from ip: 127.0.0.1, {link}"}
