"""From a brand folder to what is in service: what would change, who must agree, and the change itself."""

from yutang.plan.book import Plan, PlanRefused, found, listing
from yutang.plan.flight import BadMove
from yutang.plan.make import Draft, apply, approve, in_service, look, make, publish, refuse, revert

__all__ = [
    "BadMove",
    "Draft",
    "Plan",
    "PlanRefused",
    "apply",
    "approve",
    "found",
    "in_service",
    "listing",
    "look",
    "make",
    "publish",
    "refuse",
    "revert",
]
