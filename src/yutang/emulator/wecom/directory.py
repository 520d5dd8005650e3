"""The corp's directory: departments and members, without what newer apps are not told (mobile, mail, picture)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import need, number, page
from yutang.emulator.errors import CityError
from yutang.emulator.people import LEFT, Staff, staff_of

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

ROOT = 1
LIST_PAGE = 10_000


@dataclass
class Department:
    id: int
    name: str
    parentid: int
    order: int


@dataclass
class Departments:
    departments: dict[int, Department] = field(default_factory=dict)


def add_department(city: City, number_: int, name: str, parent: int = ROOT) -> Department:
    """A new department; calls back change_contact/create_party."""
    found = Department(number_, name, parent, number_)
    city.part(Departments).departments[number_] = found
    city.tell("change_contact", "create_party", {"Id": number_, "Name": name, "ParentId": parent, "Order": number_})
    return found


def known(city: City) -> dict[int, Department]:
    """All departments: the corp itself, those that were added, and those that members are in."""
    named = {ROOT: Department(ROOT, city.corp_name, 0, 1)}
    for one in city.people.staff.values():
        if one.department != ROOT:
            named[one.department] = Department(one.department, f"部门{one.department}", ROOT, one.department)
    return named | city.part(Departments).departments


def _present(city: City, app: App) -> list[Staff]:
    return [one for one in city.people.staff.values() if one.status != LEFT and app.sees(one.userid)]


def user(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET user/get."""
    staff = staff_of(city, need(given, "userid"))
    if staff.status == LEFT:
        raise CityError(60111)
    if not app.sees(staff.userid):
        raise CityError(60011)
    return _detail(staff)


def _detail(staff: Staff) -> dict[str, Any]:
    return {
        "userid": staff.userid, "name": staff.name, "department": [staff.department], "order": [0],
        "position": staff.position, "status": staff.status, "main_department": staff.department,
        "is_leader_in_dept": [0], "direct_leader": [], "alias": "",
    }  # fmt: skip


def _department(city: City, given: dict[str, Any], name: str) -> int:
    wanted = number({name: need(given, name)}, name)
    if wanted not in known(city):
        raise CityError(60123)
    return wanted


def users(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET user/list: of one department, without those below."""
    wanted = _department(city, given, "department_id")
    return {"userlist": [_detail(one) for one in _present(city, app) if one.department == wanted]}


def simple_users(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET user/simplelist."""
    found = users(city, app, given)["userlist"]
    return {"userlist": [{name: one[name] for name in ("userid", "name", "department")} for one in found]}


def user_ids(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST user/list_id; in life only with the directory's own secret."""
    rows = [{"userid": one.userid, "department": one.department} for one in _present(city, app)]
    found, cursor = page(city, given, rows, LIST_PAGE)
    return {"dept_user": found, "next_cursor": cursor}


def _below(city: City, root: int) -> list[Department]:
    every = known(city)
    if root and root not in every:
        raise CityError(60123)
    inside = {root or ROOT}
    while more := {one.id for one in every.values() if one.parentid in inside} - inside:
        inside |= more
    return [one for one in every.values() if one.id in inside]


def departments(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET department/list: the one named, and all below."""
    rows = [vars(one) for one in _below(city, number(given, "id"))]
    return {"department": rows}


def simple_departments(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET department/simplelist."""
    rows = [{"id": one.id, "parentid": one.parentid, "order": one.order} for one in _below(city, number(given, "id"))]
    return {"department_id": rows}


def department(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET department/get."""
    return {"department": vars(known(city)[_department(city, given, "id")])}
