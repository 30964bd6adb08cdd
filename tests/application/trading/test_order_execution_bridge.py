"""From a signal to a ticket: open, turn around, leave, or a sentence why nothing follows."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.sizing import parse_sizer
from src.application.trading.adapters.live_broker_adapter import LiveBrokerAdapter
from src.application.trading.order_execution_bridge import NothingToDo, OrderExecutionBridge
from src.domain.ledger.state import Ledger
from src.domain.market.sides import PositionSide
from src.domain.orders.types import Purpose
from src.domain.positions.position import Position
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Approved, review
from src.domain.signals import Signal, SignalType
from tests.support.domain_builders import (
    BTC,
    BUY,
    ETH,
    MARK,
    SELL,
    START_MS,
    AView,
    a_ledger,
    a_view,
    an_exit,
)
from tests.support.domain_scene import Scene


def a_bridge(
    ledger: Ledger,
    sizing: str = "fixed:1",
    view: AView | None = None,
    stop_loss_pct: Decimal = Decimal("0.02"),
    take_profit_pct: Decimal = Decimal("0.05"),
    *,
    hedged: bool = False,
    with_limit: bool = False,
) -> OrderExecutionBridge:
    view = view or a_view()
    return OrderExecutionBridge(
        ledger,
        view,
        LiveBrokerAdapter(view, use_market_orders=not with_limit, hedged=hedged),
        parse_sizer(sizing),
        stop_loss_pct,
        take_profit_pct,
    )


def a_signal(kind: SignalType = SignalType.BUY, **changes: Any) -> Signal:
    values: dict[str, Any] = {
        "symbol": BTC,
        "signal_type": kind,
        "strategy_id": "sma",
        "confidence": Decimal(1),
        "reason": "the averages crossed",
        "numbers": (("fast", Decimal(101)),),
        "reference_price": Decimal(100),
        "at_ms": START_MS,
    }
    return Signal(**(values | changes))


def holding(quantity: int, strategy_id: str = "sma") -> Ledger:
    ledger = a_ledger()
    position = Position(
        BTC, quantity=Decimal(quantity), cost=Decimal(quantity * 100), strategy_id=strategy_id
    )
    ledger.positions[BTC, position.position_side] = position
    return ledger


@pytest.mark.parametrize(("kind", "side"), [(SignalType.BUY, BUY), (SignalType.SELL, SELL)])
def test_a_signal_while_flat_opens(kind: SignalType, side: object):
    ticket = a_bridge(a_ledger()).ticket_for(a_signal(kind))

    assert (ticket.side, ticket.quantity, ticket.purpose) == (side, Decimal(1), Purpose.ENTRY)
    assert ticket.strategy_id == "sma"
    assert ticket.reason == "the averages crossed"


@pytest.mark.parametrize(("held", "kind", "side"), [(3, SignalType.SELL, SELL), (-3, SignalType.BUY, BUY)])
def test_a_signal_against_the_position_turns_it_around_with_one_order(
    held: int, kind: SignalType, side: object
):
    ticket = a_bridge(holding(held)).ticket_for(a_signal(kind))

    assert (ticket.side, ticket.quantity, ticket.reduce_only) == (side, Decimal(4), False)


@pytest.mark.parametrize(
    ("held", "kind", "why"),
    [(1, SignalType.BUY, "BTCUSDT is already long"), (-1, SignalType.SELL, "BTCUSDT is already short")],
)
def test_a_signal_that_agrees_with_the_position_changes_nothing(held: int, kind: SignalType, why: str):
    with pytest.raises(NothingToDo, match=why):
        a_bridge(holding(held)).ticket_for(a_signal(kind))


@pytest.mark.parametrize("kind", [SignalType.BUY, SignalType.SELL])
@pytest.mark.parametrize(("which", "share"), [("stop", "stop_loss_pct"), ("target", "take_profit_pct")])
def test_nothing_is_opened_whose_stop_or_target_would_lie_at_its_entry(
    kind: SignalType, which: str, share: str
):
    too_near: Any = {share: Decimal("0.0009")}
    near: Any = {share: Decimal("0.0011")}
    against = holding(3 if kind is SignalType.SELL else -3)

    with pytest.raises(
        NothingToDo, match=rf"a {which} of 0\.0009 of the price is nearer than its tick, 0\.1"
    ):
        a_bridge(a_ledger(), **too_near).ticket_for(a_signal(kind))
    left = a_bridge(against, **too_near).ticket_for(a_signal(kind))

    assert (left.quantity, left.reduce_only) == (Decimal(3), True)
    assert a_bridge(a_ledger(), **near).ticket_for(a_signal(kind)).quantity == 1


def test_where_neither_stop_nor_target_is_asked_for_none_is_too_near():
    bridge = a_bridge(a_ledger(), stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))

    assert bridge.ticket_for(a_signal()).quantity == 1


def test_an_exit_leaves_with_the_whole_position():
    ticket = a_bridge(holding(-3)).ticket_for(a_signal(SignalType.EXIT))

    assert (ticket.side, ticket.quantity, ticket.reduce_only) == (BUY, Decimal(3), True)


@pytest.mark.parametrize(
    ("ledger", "why"),
    [(a_ledger(), "BTCUSDT is flat already"), (holding(1, "other"), "BTCUSDT belongs to other")],
)
def test_an_exit_of_nothing_of_ones_own_is_none(ledger: Ledger, why: str):
    with pytest.raises(NothingToDo, match=why):
        a_bridge(ledger).ticket_for(a_signal(SignalType.EXIT))


@pytest.mark.parametrize(
    ("kind", "side", "quantity"),
    [(SignalType.BUY, PositionSide.LONG, -1), (SignalType.SELL, PositionSide.SHORT, 1)],
)
def test_a_side_of_a_hedge_that_misses_a_trade_is_not_opened_anew(
    kind: SignalType, side: PositionSide, quantity: int
):
    ledger = a_ledger()
    ledger.position(BTC, side).quantity = Decimal(quantity)

    with pytest.raises(NothingToDo, match=f"a trade of BTCUSDT {side.value} has not been heard of yet"):
        a_bridge(ledger, hedged=True).ticket_for(a_signal(kind))


def test_what_has_no_size_says_why():
    with pytest.raises(NothingToDo, match="no size for BTCUSDT"):
        a_bridge(a_ledger(), "fixed:0.0001").ticket_for(a_signal())


@pytest.mark.parametrize(("held", "kind", "side"), [(3, SignalType.SELL, SELL), (-3, SignalType.BUY, BUY)])
def test_a_turn_without_a_size_leaves_with_the_whole_position(held: int, kind: SignalType, side: object):
    ticket = a_bridge(holding(held), "fixed:0.0001").ticket_for(a_signal(kind))

    assert (ticket.side, ticket.quantity, ticket.reduce_only) == (side, Decimal(3), True)


def test_a_turn_without_a_size_leaves_the_positions_of_others_alone():
    with pytest.raises(NothingToDo, match="BTCUSDT belongs to other"):
        a_bridge(holding(3, "other"), "fixed:0.0001").ticket_for(a_signal(SignalType.SELL))


@pytest.mark.parametrize("held", [3, -3])
def test_when_turning_is_denied_the_exit_remains(held: int):
    kind = SignalType.SELL if held > 0 else SignalType.BUY

    ticket = a_bridge(holding(held)).fallback_for(a_signal(kind))

    assert ticket is not None
    assert (ticket.quantity, ticket.reduce_only) == (Decimal(3), True)


@pytest.mark.parametrize(
    "ledger", [a_ledger(), holding(1), holding(-1, "other")], ids=["flat", "agreeing", "of another"]
)
def test_nothing_remains_of_a_denied_entry(ledger: Ledger):
    assert a_bridge(ledger).fallback_for(a_signal(SignalType.BUY)) is None


def test_the_journal_keeps_what_the_signal_rested_on():
    note = a_bridge(a_ledger()).note(a_signal())

    assert (note.signal_type, note.reason) == ("BUY", "the averages crossed")
    assert note.numbers == (("fast", Decimal(101)),)


def gaining(quantity: str, entry: int = 90) -> Ledger:
    """Long from below the market, which stands at about 100."""
    ledger = a_ledger()
    held = Decimal(quantity)
    position = Position(BTC, quantity=held, cost=held * entry, strategy_id="sma")
    ledger.positions[BTC, position.position_side] = position
    return ledger


def test_the_first_part_of_a_position_follows_its_signal():
    bridge = a_bridge(a_ledger(), "fixed:1.5,steps=3")

    assert bridge.builds_gradually
    assert bridge.ticket_for(a_signal()).quantity == Decimal("0.5")
    assert bridge.next_step(BTC, {"sma"}) is None


@pytest.mark.parametrize(("held", "step"), [("0.5", 2), ("0.4", 2), ("1", 3)])
def test_a_position_at_a_gain_gets_its_next_part(held: str, step: int):
    ticket = a_bridge(gaining(held), "fixed:1.5,steps=3").next_step(BTC, {"sma"})

    assert ticket is not None
    assert (ticket.side, ticket.quantity, ticket.strategy_id) == (BUY, Decimal("0.5"), "sma")
    assert ticket.reason == f"Step {step} of 3: the position stands at a gain."


@pytest.mark.parametrize("ledger", [gaining("1.5"), gaining("1.3"), gaining("0.5", entry=110)])
def test_a_whole_position_and_one_at_a_loss_get_no_more(ledger: Ledger):
    assert a_bridge(ledger, "fixed:1.5,steps=3").next_step(BTC, {"sma"}) is None


def test_a_position_in_a_market_that_has_not_been_heard_gets_no_more():
    view = a_view()
    view.marks[BTC] = None

    assert a_bridge(gaining("0.5"), "fixed:1.5,steps=3", view).next_step(BTC, {"sma"}) is None


@pytest.mark.parametrize(("symbol", "gets_more"), [(BTC, False), (ETH, True)])
def test_a_position_that_is_being_closed_gets_no_more(symbol: str, gets_more: bool):
    scene = Scene()
    scene.ledger.positions.update(gaining("0.5").positions)
    scene.place(an_exit(symbol=symbol, quantity=Decimal("0.5"), limit_price=Decimal(120)))

    ticket = a_bridge(scene.ledger, "fixed:1.5,steps=3").next_step(BTC, {"sma"})

    assert (ticket is not None) is gets_more


@pytest.mark.parametrize("owner", ["manual", "gone"])
def test_a_position_that_no_strategy_of_the_session_has_opened_gets_no_more(owner: str):
    ledger = gaining("0.5")
    ledger.position(BTC).strategy_id = owner

    assert a_bridge(ledger, "fixed:1.5,steps=3").next_step(BTC, {"sma"}) is None


def hedging(ledger: Ledger) -> Ledger:
    """The same account where LONG and SHORT are kept apart."""
    assert ledger.session is not None
    ledger.session.options = replace(ledger.session.options, hedge_mode=True)
    return ledger


def a_hedge(strategy_id: str = "sma", **held: tuple[str, int]) -> Ledger:
    """An account that holds sides of BTC, each as quantity and entry price."""
    ledger = hedging(a_ledger())
    for name, (quantity, entry) in held.items():
        position = ledger.position(BTC, PositionSide[name])
        position.quantity, position.strategy_id = Decimal(quantity), strategy_id
        position.cost = position.quantity * entry
    return ledger


@pytest.mark.parametrize(
    ("ledger", "side", "position_side"),
    [
        (a_hedge(LONG=("0.5", 90)), BUY, PositionSide.LONG),
        (a_hedge(SHORT=("-0.5", 110)), SELL, PositionSide.SHORT),
        (a_hedge(LONG=("0.5", 110), SHORT=("-0.5", 110)), SELL, PositionSide.SHORT),
    ],
    ids=["long", "short", "short beside a long at a loss"],
)
def test_a_side_of_a_hedge_at_a_gain_gets_its_next_part(
    ledger: Ledger, side: object, position_side: PositionSide
):
    ticket = a_bridge(ledger, "fixed:1.5,steps=3", hedged=True).next_step(BTC, {"sma"})

    assert ticket is not None
    assert (ticket.side, ticket.position_side, ticket.quantity) == (side, position_side, Decimal("0.5"))
    assert (ticket.strategy_id, ticket.reason[:11]) == ("sma", "Step 2 of 3")


def test_a_side_of_a_hedge_that_misses_a_trade_gets_no_more():
    # At a gain if it were the short that its sign says.
    ledger = a_hedge(LONG=("-0.5", 110))

    assert a_bridge(ledger, "fixed:1.5,steps=3", hedged=True).next_step(BTC, {"sma"}) is None


@pytest.mark.parametrize(
    ("ledger", "kind", "side", "position_side", "quantity"),
    [
        (a_hedge(LONG=("3", 100)), SignalType.SELL, SELL, PositionSide.LONG, 3),
        (a_hedge(SHORT=("-2", 100)), SignalType.BUY, BUY, PositionSide.SHORT, 2),
        (a_hedge(LONG=("3", 100), SHORT=("-2", 100)), SignalType.BUY, BUY, PositionSide.SHORT, 2),
    ],
    ids=["long", "short", "both"],
)
def test_a_signal_against_the_side_of_a_hedge_that_its_strategy_holds_closes_it(
    ledger: Ledger, kind: SignalType, side: object, position_side: PositionSide, quantity: int
):
    ticket = a_bridge(ledger, hedged=True).ticket_for(a_signal(kind))

    assert (ticket.side, ticket.position_side, ticket.quantity) == (side, position_side, Decimal(quantity))
    assert (ticket.reduce_only, ticket.purpose) == (True, Purpose.EXIT)


def test_a_signal_never_closes_the_side_of_a_hedge_that_somebody_else_holds():
    ticket = a_bridge(a_hedge("manual", SHORT=("-2", 100)), hedged=True).ticket_for(a_signal())

    assert (ticket.side, ticket.position_side, ticket.reduce_only) == (BUY, PositionSide.LONG, False)


@pytest.mark.parametrize("strategy_id", ["sma", "other"])
def test_no_side_of_a_hedge_is_opened_while_the_other_misses_a_trade(strategy_id: str):
    ledger = a_hedge(strategy_id, SHORT=("1", 100))

    with pytest.raises(NothingToDo, match="a trade of BTCUSDT SHORT has not been heard of yet"):
        a_bridge(ledger, hedged=True).ticket_for(a_signal())


class AQuote(AView):
    """A market whose best prices stand apart from the mark price."""

    quote = (Decimal(100), Decimal(100))

    def best_prices(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Bid and ask."""
        return self.quote


@pytest.mark.parametrize("kind", [SignalType.BUY, SignalType.SELL])
def test_an_entry_with_a_limit_is_sized_by_what_it_may_cost(kind: SignalType):
    ledger, view = a_ledger(), a_view()
    share = RiskLimits().position_size_pct

    ticket = a_bridge(ledger, f"percent:{share}", view, with_limit=True).ticket_for(a_signal(kind))

    assert ticket.limit_price is not None
    assert isinstance(review(ledger, view, RiskLimits(), ticket, START_MS), Approved)
    assert ticket.quantity * max(ticket.limit_price, MARK) > share * ledger.wallet_balance * Decimal("0.999")


@given(
    kind=st.sampled_from([SignalType.BUY, SignalType.SELL]),
    bid=st.decimals(90, 110, places=1),
    spread=st.decimals(0, 1, places=1),
    mark=st.decimals(90, 110, places=2),
    stop_loss_pct=st.decimals("0.005", "0.2", places=3),
    risk=st.decimals("0.0001", "0.01", places=4),
    share_max=st.sampled_from([Decimal("0.05"), Decimal(5)]),
)
def test_no_entry_loses_more_at_its_stop_than_was_asked_for_wherever_the_mark_stands(
    kind: SignalType,
    bid: Decimal,
    spread: Decimal,
    mark: Decimal,
    stop_loss_pct: Decimal,
    risk: Decimal,
    share_max: Decimal,
):
    ledger, view = a_ledger(), AQuote(marks={BTC: mark})
    view.quote = (bid, bid + spread)
    equity = ledger.wallet_balance
    bridge = a_bridge(ledger, f"risk:{risk},share_max={share_max}", view, stop_loss_pct)

    try:
        ticket = bridge.ticket_for(a_signal(kind))
    except NothingToDo:
        return

    # Filled at the best price, stopped out where the stop is placed from there, commission paid twice.
    entry = ticket.reference_price
    stop = entry * (1 - stop_loss_pct * ticket.side.sign)
    instrument = view.instrument(BTC)
    assert instrument is not None
    loss = ticket.quantity * (abs(entry - stop) + instrument.taker_rate * (entry + stop))
    assert loss <= equity * risk
    assert ticket.quantity * max(entry, mark) <= share_max * equity
