"""What energy has cost, by currency; what negative prices have paid is counted apart, because no counter falls."""

from __future__ import annotations

from collector_core import Counter, Readings


class Bill:
    """`costs` and `credits` by currency; neither falls."""

    def __init__(self) -> None:
        self.costs: dict[str, float] = {}
        self.credits: dict[str, float] = {}

    def add(self, amount: float | None, currency: str) -> None:
        """Book an amount, negative where a price was; None is not known and not booked."""
        if amount is not None:
            self.costs[currency] = self.costs.get(currency, 0.0) + max(0.0, amount)
            if amount < 0:
                self.credits[currency] = self.credits.get(currency, 0.0) - amount

    def total(self, currency: str) -> float | None:
        """What is to be paid in a currency; None where nothing was booked in it."""
        return self.costs[currency] - self.credits.get(currency, 0.0) if currency in self.costs else None


def publish_bill(out: Readings, bill: Bill, cost: Counter, credit: Counter) -> None:
    """Show both."""
    for metric, amounts in ((cost, bill.costs), (credit, bill.credits)):
        for currency, total in amounts.items():
            out.add(metric, total, currency=currency)
