"""Which part of each funding payment belongs to which holding.

The exchange pays funding for a position as a whole; a position may consist of lots of several strategies. It pays
before anything is traded at that moment: what is closed in its very millisecond was held, what is opened then was not.
Each payment is shared among the holdings of its symbol at that moment in proportion to their quantities, to 10⁻⁸, and
the last takes the rest: the shares add up to the payments to the last digit.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from src.domain.money import ZERO, pro_rata


@dataclass(frozen=True, slots=True)
class Holding:
    """A quantity (base asset) held from just after ``opened_ms`` until ``closed_ms``; None: it is still held."""

    symbol: str
    quantity: Decimal
    opened_ms: int
    closed_ms: int | None
    trade_id: int


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """What the wallet received (negative: paid) for a symbol at a moment; quote asset, ms UTC."""

    symbol: str
    amount: Decimal
    at_ms: int


def share_funding(
    holdings: Sequence[Holding], payments: Iterable[FundingPayment]
) -> tuple[list[Decimal], list[FundingPayment]]:
    """The funding of each holding, in the order given, and the payments that found no holding.

    In hedge mode the exchange does not say for which side a payment is: both sides share it.
    """
    shares = [ZERO] * len(holdings)
    unheld: list[FundingPayment] = []
    by_symbol: dict[str, list[int]] = defaultdict(list)
    due: dict[str, list[FundingPayment]] = defaultdict(list)
    for payment in payments:
        due[payment.symbol].append(payment)
    for index, holding in enumerate(holdings):
        if holding.symbol in due:
            by_symbol[holding.symbol].append(index)
    for symbol, paid in due.items():
        # Equal times are told apart by the trade, so that the order in which they came does not matter.
        order = sorted(by_symbol[symbol], key=lambda i: _place(holdings[i]))
        _share_symbol(holdings, order, sorted(paid, key=lambda p: (p.at_ms, p.amount)), shares, unheld)
    return shares, unheld


def _place(holding: Holding) -> tuple[int, int, bool, int, Decimal]:
    closed = holding.closed_ms
    return holding.opened_ms, holding.trade_id, closed is None, closed or 0, holding.quantity


def _share_symbol(
    holdings: Sequence[Holding],
    order: list[int],
    payments: list[FundingPayment],
    shares: list[Decimal],
    unheld: list[FundingPayment],
) -> None:
    """One symbol, swept once: what has been closed leaves the candidates for good."""
    candidates: list[int] = []
    following = 0
    for payment in payments:
        at_ms = payment.at_ms
        while following < len(order) and holdings[order[following]].opened_ms <= at_ms:
            candidates.append(order[following])
            following += 1
        candidates = [i for i in candidates if _held_at(holdings[i], at_ms)]
        # Somebody was paid: where nothing was held before, what was opened at the moment.
        held = [i for i in candidates if holdings[i].opened_ms < at_ms] or candidates
        if not held:
            unheld.append(payment)
            continue
        amount, quantity = payment.amount, sum((holdings[i].quantity for i in held), ZERO)
        for i in held:
            own = holdings[i].quantity
            part = amount if own == quantity else pro_rata(amount, own, quantity)
            shares[i] += part
            amount -= part
            quantity -= own


def _held_at(holding: Holding, at_ms: int) -> bool:
    return holding.closed_ms is None or holding.closed_ms >= at_ms
