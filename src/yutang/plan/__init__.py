"""From a brand folder to what is in service: what would change, who must agree, and the change itself."""

from yutang.plan.book import Plan, PlanRefused, Text, found, listing, text
from yutang.plan.flight import BadMove
from yutang.plan.make import (
    Draft,
    apply,
    approve,
    begin_with,
    in_service,
    look,
    make,
    outdated,
    publish,
    refuse,
    revert,
    way_back,
)

__all__ = [
    "BadMove",
    "Draft",
    "Plan",
    "PlanRefused",
    "Text",
    "apply",
    "approve",
    "begin_with",
    "found",
    "in_service",
    "listing",
    "look",
    "make",
    "outdated",
    "publish",
    "refuse",
    "revert",
    "text",
    "way_back",
]
