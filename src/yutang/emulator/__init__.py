"""The city: a small WeChat and WeCom on this machine, for demos and tests."""

from yutang.emulator.city import City
from yutang.emulator.faults import Faults
from yutang.emulator.people import Customer, Message, Staff
from yutang.emulator.settings import Settings

__all__ = ["City", "Customer", "Faults", "Message", "Settings", "Staff"]
