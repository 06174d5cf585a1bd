"""In which currency the ledger counts."""

from __future__ import annotations

from collector_core.web.pages.view import View


def currency_of(view: View) -> str:
    """That of the published cost; empty where nothing has one."""
    costs = view.select("cost", "host")
    return next((currency for series, _ in costs if (currency := series.labels.get("currency"))), "")
