"""What is known of a person, drawn from the person's events: `refresh` keeps it right, `card` shows it."""

from yutang.profile.portrait import card
from yutang.profile.refresh import refresh

__all__ = ["card", "refresh"]
