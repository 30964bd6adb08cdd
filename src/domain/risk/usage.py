"""How much of each limit is in use: the same figures that the rules hold orders to, for people.

Values and limits have the limit's own unit: fractions, quote asset, counts. ``used`` is the share of the limit that is
in use (1 is all of it), None where nothing is measured between orders, or the data are not there.
"""

from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from src.domain.ledger.state import Ledger
from src.domain.market.view import MarketView
from src.domain.money import ZERO
from src.domain.orders.types import Purpose
from src.domain.portfolio.exposure import Exposure, equity, worst_exposure
from src.domain.risk.limits import RiskLimits
from src.domain.risk.rules.account import share
from src.domain.risk.rules.market import by_direction

_FOUR = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class RuleUse:
    """One rule now; ``subject`` names the symbol, pair or strategy that uses most of it, empty for the account."""

    rule: str
    subject: str
    value: Decimal | None
    limit: Decimal | None
    used: Decimal | None


def risk_usage(ledger: Ledger, view: MarketView, limits: RiskLimits, now_ms: int) -> tuple[RuleUse, ...]:
    """Every rule with a figure of its own, in the order of the rules; without marks, by cost and entry prices."""
    own = equity(ledger, view)
    account = worst_exposure(ledger, view, without="")
    return (
        *_by_symbol(ledger, view, limits, own, account),
        *_of_account(ledger, limits, own, account),
        *_of_market(view, limits, account),
        *_of_rates(ledger, limits, now_ms),
        *_of_single_orders(limits),
    )


def _use(rule: str, value: Decimal | None, limit: Decimal, subject: str = "") -> RuleUse:
    if value is None:
        return RuleUse(rule, subject, None, limit, None)
    used = None if not limit else (max(ZERO, value) / limit).quantize(_FOUR)
    return RuleUse(
        rule, subject, value.quantize(_FOUR) if value.as_tuple().exponent != 0 else value, limit, used
    )


def _by_symbol(
    ledger: Ledger, view: MarketView, limits: RiskLimits, own: Decimal, account: Exposure
) -> tuple[RuleUse, ...]:
    """The symbol with the largest worst case stands for all."""
    worst, name = ZERO, ""
    for symbol, _, _ in account.symbols:
        notional = account.gross - worst_exposure(ledger, view, without=symbol).gross
        if notional > worst:
            worst, name = notional, symbol
    spread = len(account.symbols) >= limits.concentration_symbols_min and account.gross > 0
    return (
        _use("position_size", share(worst, own) if worst else ZERO, limits.position_size_pct, name),
        _use("symbol_exposure", worst, limits.symbol_exposure_max, name),
        _use("gross_exposure", account.gross, limits.gross_exposure_max),
        _use(
            "net_exposure",
            share(max(account.up, -account.down), own) if account.symbols else ZERO,
            limits.net_exposure_pct_max,
        ),
        _use("concentration", worst / account.gross if spread else None, limits.concentration_pct_max, name),
    )


def _of_account(ledger: Ledger, limits: RiskLimits, own: Decimal, account: Exposure) -> tuple[RuleUse, ...]:
    state = ledger.account
    margin = share(account.margin, own) if account.gross else ZERO
    day, peak = state.day_start_equity, max(state.peak_equity, own)
    return (
        _use("leverage", share(account.gross, own) if account.gross else ZERO, limits.leverage_max),
        _use("margin", margin, 1 - limits.free_margin_pct_min),
        _use("daily_loss", (day - own) / day if day > 0 else None, limits.daily_loss_pct_max),
        _use("drawdown", (peak - own) / peak if peak > 0 else None, limits.drawdown_pct_max),
        _use("positions", Decimal(len(account.symbols)), Decimal(limits.positions_max)),
        _use("open_orders", Decimal(len(ledger.orders)), Decimal(limits.open_orders_max)),
    )


def _of_market(view: MarketView, limits: RiskLimits, account: Exposure) -> tuple[RuleUse, ...]:
    """The most volatile symbol that is exposed, and the pair that is most of the same bet."""
    volatile: tuple[Decimal | None, str] = (None, "")
    for symbol, _, _ in account.symbols:
        reading = view.volatility(symbol)
        if reading is not None and (volatile[0] is None or reading.now > volatile[0]):
            volatile = (reading.now, symbol)
    alike: tuple[Decimal | None, str] = (None, "")
    for (first, long, short), (second, *other) in combinations(account.symbols, 2):
        value = view.correlation(first, second)
        if value is not None:
            # As the rule would find it for an order in a direction that the first may have.
            signed = max(by_direction(value, buys, *other) for buys in {long, not short})
            if alike[0] is None or signed > alike[0]:
                alike = (signed, f"{first} {second}")
    return (
        _use("volatility", volatile[0], limits.volatility_max, volatile[1]),
        _use("correlation", alike[0], limits.correlation_max, alike[1]),
    )


def _of_rates(ledger: Ledger, limits: RiskLimits, now_ms: int) -> tuple[RuleUse, ...]:
    recent = [order for order in ledger.recent_orders if order.at_ms > now_ms - 60_000]
    entries: dict[str, int] = {}
    for order in recent:
        if order.purpose is not Purpose.ENTRY:
            continue
        key = f"{order.strategy_id} {order.symbol}"
        entries[key] = entries.get(key, 0) + 1
    busiest = max(entries, key=lambda key: entries[key], default="")
    return (
        _use(
            "orders_per_second",
            Decimal(ledger.sent_since(now_ms - 1_000)),
            Decimal(limits.orders_per_second_max),
        ),
        _use(
            "orders_per_minute",
            Decimal(ledger.sent_since(now_ms - 60_000)),
            Decimal(limits.orders_per_minute_max),
        ),
        _use(
            "repeated_execution",
            Decimal(entries.get(busiest, 0)),
            Decimal(limits.entries_per_minute_max),
            busiest,
        ),
    )


def _of_single_orders(limits: RiskLimits) -> tuple[RuleUse, ...]:
    """What every order is held to by itself: a limit, and nothing in use between orders."""
    return (
        RuleUse("order_value", "", None, limits.order_value_max, None),
        RuleUse("price_collar", "", None, limits.price_collar_pct, None),
        RuleUse("slippage", "", None, limits.slippage_pct_max, None),
        RuleUse("confidence", "", None, limits.confidence_min, None),
    )
