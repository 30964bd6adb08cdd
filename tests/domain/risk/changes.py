"""What brings an account, its market or an order to the boundary of a rule: each of these changes one thing."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from src.domain.market.view import MarginBracket, Volatility
from src.domain.sessions.session import TradingSessionStatus
from src.domain.sessions.trading_states import SymbolState, TradingState
from tests.domain.risk.bench import Bench
from tests.support.domain_builders import BTC, ETH, SELL

Change = Callable[[Bench], None]


def limits(**changes) -> Change:
    return lambda bench: bench.limits.update(changes)


def ticket(**changes) -> Change:
    return lambda bench: bench.ticket.update(changes)


def instrument(**changes) -> Change:
    return lambda bench: bench.instrument.update(changes)


def session(status: TradingSessionStatus) -> Change:
    return lambda bench: setattr(bench.scene.ledger.session, "status", status)


def no_session(bench: Bench) -> None:
    bench.scene.ledger.session = None


def trading(state: TradingState) -> Change:
    return lambda bench: setattr(bench.scene.ledger.account, "trading_state", state)


def symbol(state: SymbolState) -> Change:
    return lambda bench: setattr(bench.scene.ledger.symbol(BTC), "state", state)


def view(**changes) -> Change:
    return lambda bench: vars(bench.scene.view).update(changes)


def held(quantity=1, strategy_id="sma", **changes) -> Change:
    def change(bench: Bench) -> None:
        number = bench.scene.ledger.account.next_intent
        order = bench.scene.place(quantity=quantity, strategy_id=strategy_id, **changes)
        bench.scene.fill(order, number)

    return change


def entering(**changes) -> Change:
    def change(bench: Bench) -> None:
        bench.scene.place(**changes)

    return change


def closed_again(bench: Bench) -> None:
    bench.scene.fill(bench.scene.place(side=SELL), 999)


def sent(age_ms: int, count: int = 1, **changes) -> Change:
    return lambda bench: bench.sent_before(age_ms, count, **changes)


def wallet(amount: str) -> Change:
    return lambda bench: bench.scene.ledger.account.wallet.update(USDT=Decimal(amount))


def day_started_with(amount: Decimal) -> Change:
    return lambda bench: setattr(bench.scene.ledger.account, "day_start_equity", amount)


def peak(amount: str) -> Change:
    return lambda bench: setattr(bench.scene.ledger.account, "peak_equity", Decimal(amount))


def confidence(value: str) -> Change:
    return lambda bench: setattr(bench, "confidence", Decimal(value))


def hedged(bench: Bench) -> None:
    session = bench.scene.ledger.session
    assert session is not None
    session.options = replace(session.options, hedge_mode=True)


def leverages(*pairs: tuple[str, int]) -> Change:
    def change(bench: Bench) -> None:
        session = bench.scene.ledger.session
        assert session is not None
        session.options = replace(session.options, leverages=pairs)

    return change


def moving(now: str, usual: str | None = None) -> Change:
    reading = Volatility(Decimal(now), None if usual is None else Decimal(usual))
    return lambda bench: bench.scene.view.volatilities.update({BTC: reading})


def correlated(value: str) -> Change:
    return lambda bench: bench.scene.view.correlations.update({frozenset((BTC, ETH)): Decimal(value)})


def brackets(*pairs: tuple[int, int]) -> Change:
    """Brackets as (cap, highest leverage)."""
    rows = tuple(
        MarginBracket(Decimal(cap), Decimal("0.004"), Decimal(0), leverage) for cap, leverage in pairs
    )
    return view(margin_brackets=rows)
