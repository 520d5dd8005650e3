"""External contacts: who follows whom, one by one and in bulk; remarks; ids of other systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yutang.emulator import friends, people
from yutang.emulator.asked import listed, need, page, short
from yutang.emulator.errors import CityError
from yutang.emulator.people import ACTIVE, Customer, Relation
from yutang.emulator.wecom import rights, tags

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

WECHAT_USER = 1
FOLLOWERS_PAGE = 500


def follow_users(city: City, app: App, _: dict[str, Any]) -> dict[str, Any]:
    """GET externalcontact/get_follow_user_list."""
    able = [one.userid for one in city.people.staff.values() if one.status == ACTIVE and one.feature]
    return {"follow_user": [userid for userid in able if app.sees(userid)]}


def ids(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET externalcontact/list; a member without customers gives 84061."""
    found = city.people.customers_of(rights.able(city, app, need(given, "userid")))
    if not found:
        raise CityError(84061)
    return {"external_userid": [one.external_userid for one in found]}


def get(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET externalcontact/get."""
    customer = rights.known(city, given.get("external_userid"))
    rows = [one for one in city.people.followers_of(customer.external_userid) if app.sees(one.userid)]
    if not rows:
        raise CityError(84061)
    found, cursor = page(city, given, rows, FOLLOWERS_PAGE)
    followers = [_follower(city, one) for one in found]
    return {"external_contact": profile(city, customer), "follow_user": followers, "next_cursor": cursor}


def profile(city: City, customer: Customer) -> dict[str, Any]:
    """The customer as the API shows him; the unionid only of WeChat users, and only when the corp has bound its account."""
    found = {
        "external_userid": customer.external_userid, "name": customer.name, "position": "", "type": customer.kind,
        "avatar": f"{city.address}/city/avatars/{customer.number}", "gender": customer.gender,
    }  # fmt: skip
    if customer.kind != WECHAT_USER:
        return found | {"corp_name": "另一家", "corp_full_name": "另一家公司"}
    return found | ({"unionid": customer.unionid} if city.settings.contacts.unionid_bound else {})


def _common(relation: Relation) -> dict[str, Any]:
    found = {
        "userid": relation.userid, "remark": relation.remark, "description": relation.description,
        "createtime": relation.createtime, "remark_corp_name": relation.company, "remark_mobiles": relation.mobiles,
        "oper_userid": relation.oper_userid, "add_way": relation.add_way,
    }  # fmt: skip
    return found | ({"state": relation.state_param} if relation.state_param else {})


def _follower(city: City, relation: Relation) -> dict[str, Any]:
    personal = [{"group_name": "个人", "tag_name": name, "type": tags.PERSONAL} for name in relation.personal]
    return _common(relation) | {"tags": [*tags.described(city, relation), *personal]}


def batch(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/batch/get_by_user: a row per relation, tags as ids only."""
    limits = city.settings.contacts
    need(given, "userid_list")
    userids = [rights.able(city, app, one) for one in listed(given, "userid_list", limits.userids)]
    rows = [one for userid in dict.fromkeys(userids) for one in city.people.customers_of(userid)]
    if not rows:
        raise CityError(84061)
    found, cursor = page(city, given, rows, limits.page_max, limits.page_default)
    contacts = [
        {
            "external_contact": profile(city, city.people.customers[one.external_userid]),
            "follow_info": _common(one) | {"tag_id": list(one.tags)},
        }
        for one in found
    ]
    return {
        "external_contact_list": contacts,
        "next_cursor": cursor,
        "fail_info": {"unlicensed_userid_list": []},
    }


def remark(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/remark; mobiles overwrite, and one empty text clears them."""
    limits = city.settings.contacts
    customer = rights.known(city, given.get("external_userid"))
    relation = people.relation_of(city, rights.able(city, app, need(given, "userid")), customer.external_userid)
    fields = {"remark": limits.remark, "description": limits.description, "remark_company": limits.company}
    changes = {name: short(given, name, most) for name, most in fields.items() if name in given}
    mobiles = given.get("remark_mobiles")
    if not changes and mobiles is None and not given.get("remark_pic_mediaid"):
        raise CityError(40058, "there is nothing to change")
    if "remark_company" in changes and customer.kind != WECHAT_USER:
        raise CityError(40058, "remark_company is only for WeChat users")
    relation.remark = changes.get("remark", relation.remark)
    relation.description = changes.get("description", relation.description)
    relation.company = changes.get("remark_company", relation.company)
    if mobiles is not None:
        relation.mobiles = [one for one in mobiles if one]
    if city.settings.callback.api_edit_events:
        friends.edited(city, relation)
    return {}


def to_openid(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/convert_to_openid, for the corp's own payments."""
    customer = rights.known(city, given.get("external_userid"))
    if customer.kind != WECHAT_USER:
        raise CityError(40096)
    return {"openid": people.openid(city, customer, city.corp_id)}


def by_unionid(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST idconvert/unionid_to_external_userid: the contact's id, else one that is pending."""
    unionid, openid = need(given, "unionid"), need(given, "openid")
    customer = city.by_openid.get(openid)
    if customer is None or customer.unionid != unionid:
        raise CityError(40003, "unionid and openid do not belong together")
    if city.people.followers_of(customer.external_userid):
        return {"external_userid": customer.external_userid}
    return {"pending_id": f"p{customer.external_userid}"}
