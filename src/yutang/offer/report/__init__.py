"""What managers ask of offers: what is owed, how each is doing, who waits, what tills gave away in vain."""

from yutang.offer.report.owed import Owed, Part, liability, totals
from yutang.offer.report.show import conflicts, liability_of, show

__all__ = ["Owed", "Part", "conflicts", "liability", "liability_of", "show", "totals"]
