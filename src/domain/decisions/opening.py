"""The first entries of an account that existed before its books: what it holds now, instead of how it came to it.

An exchange forgets (Binance keeps three months of income), so a past cannot be replayed to the last digit. The books
begin at a moment: a row of income per asset with the wallet as it was, whose transaction id is that moment, and a
trade per position at its average entry. Trades of the exchange have ids above zero; these have 0 and, for a short
beside a long, -1. Whatever the exchange dates before the moment is not booked.
"""

from src.domain.decisions import news as n
from src.domain.decisions.alarms import halt
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.ledger.events.account import OPENING_BALANCE
from src.domain.ledger.state import Ledger
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import ZERO
from src.domain.orders.news import PositionReport
from src.domain.positions.external import EXTERNAL, ExternalPolicy
from src.domain.risk.rules import MANUAL


def is_unopened(ledger: Ledger) -> bool:
    """Whether nothing was ever booked."""
    account = ledger.account
    traded = any(book.trade_halves or book.last_trade_id for book in ledger.symbols.values())
    return not account.income_ms and not account.wallet and not traded


def opened_ms(ledger: Ledger) -> int | None:
    """The moment the books begin at, venue time; None for an account that is known from its first deposit on."""
    return next((moment for moment, kind, _ in ledger.income_ids if kind == OPENING_BALANCE), None)


def open_books(step: Step, news: n.OpenBooks) -> None:
    """Book what the account holds; its positions are whose the policy for external ones says."""
    wallets = {report.asset: report.wallet_balance for report in news.balances}
    wallets.setdefault(step.ledger.account.settle_asset, ZERO)
    for asset, amount in sorted(wallets.items()):
        step.emit(e.IncomeBooked(news.at_ms, OPENING_BALANCE, asset, amount, "", news.at_ms))
    for report in news.positions:
        _take_over(step, report, news.at_ms)


def _take_over(step: Step, report: PositionReport, at_ms: int) -> None:
    """A position that was there before; it is protected when the rest of the exchange has been read."""
    policy = step.policy.limits.external_orders
    step.emit(
        e.FillBooked(
            client_order_id="",
            symbol=report.symbol,
            trade_id=-1 if report.position_side is PositionSide.SHORT else 0,
            exchange_order_id=0,
            side=OrderSide.BUY if report.quantity > 0 else OrderSide.SELL,
            position_side=report.position_side,
            price=report.entry_price,
            quantity=abs(report.quantity),
            realized_pnl=ZERO,
            commission=ZERO,
            commission_asset=step.ledger.account.settle_asset,
            is_maker=False,
            traded_ms=at_ms,
            strategy_id=MANUAL if policy is ExternalPolicy.ADOPT else EXTERNAL,
        )
    )
    # No trade of the exchange can have these ids: they are compared already.
    step.emit(e.TradesConfirmed(report.symbol, 0))
    text = f"{report.quantity:f} at {report.entry_price:f} was held before these books were opened"
    step.emit(e.AlarmRaised(report.symbol, text))
    if policy is ExternalPolicy.HALT:
        halt(step, f"{report.symbol}: {text}")
