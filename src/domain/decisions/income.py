"""Decisions about changes of the wallet that no trade explains: funding, transfers, insurance."""

from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.orders.news import IncomeReport


def book_income(step: Step, income: IncomeReport) -> None:
    """Book funding, transfers and the like once per (transaction, type, asset)."""
    key = (income.transaction_id, income.income_type, income.asset)
    if key in step.ledger.income_ids or income.income_type in _BOOKED_WITH_FILLS:
        return
    step.emit(
        e.IncomeBooked(
            income.transaction_id,
            income.income_type,
            income.asset,
            income.amount,
            income.symbol,
            income.at_ms,
        )
    )


_BOOKED_WITH_FILLS = frozenset({"REALIZED_PNL", "COMMISSION"})
