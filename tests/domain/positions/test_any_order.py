"""Fills in any order and told any number of times: the same holding, the same money, lots that are all of it."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from src.domain.ledger.evolve import fold
from src.domain.ledger.state import Ledger
from src.domain.market.sides import OrderSide
from src.domain.orders.news import FillReport
from src.domain.positions.position import Position
from tests.support.domain_builders import BTC, BUY, SELL, WALLET, a_fill, a_read
from tests.support.domain_scene import Scene
from tests.support.ledger_builders import ledger_snapshot


@dataclass(frozen=True)
class Trade:
    side: OrderSide
    quantity: Decimal
    price: Decimal
    realized_pnl: Decimal
    commission: Decimal

    def report(self, trade_id: int) -> FillReport:
        return a_fill(
            None, trade_id, self.quantity, self.price, side=self.side, exchange_order_id=trade_id,
            realized_pnl=self.realized_pnl, commission=self.commission,
        )  # fmt: skip


def amounts(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda n: Decimal(n).scaleb(-places))


TRADES = st.lists(
    st.builds(
        Trade,
        st.sampled_from([BUY, SELL]),
        amounts(1, 5_000, 3),
        amounts(1_000, 2_000, 1),
        amounts(-(10**10), 10**10, 8),
        amounts(-(10**8), 10**8, 8),
    ),
    max_size=12,
)


def told(reports: list[FillReport], batches: int) -> Scene:
    """A session that reads trades from the exchange, so many at a time."""
    # Without stops: a trade on the side of one that is under way would wait until it is known not to be its.
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    for start in range(0, len(reports), batches):
        scene.decide(a_read(fills=reports[start : start + batches]))
    return scene


def held(ledger: Ledger) -> Position:
    return ledger.position(BTC)


@given(trades=TRADES, data=st.data())
def test_any_order_and_any_repetition_lead_to_the_same_position_and_wallet(trades, data):
    reports = [trade.report(number) for number, trade in enumerate(trades, 1)]
    again = data.draw(st.lists(st.sampled_from(reports), max_size=8)) if reports else []
    shuffled = data.draw(st.permutations(reports + again))

    straight, mixed = told(reports, 1).ledger, told(shuffled, data.draw(st.integers(1, 5))).ledger

    assert held(straight).quantity == held(mixed).quantity == sum(t.quantity * t.side.sign for t in trades)
    assert held(straight).realized_pnl == held(mixed).realized_pnl
    assert held(straight).commission == held(mixed).commission
    expected = WALLET + sum((t.realized_pnl - t.commission for t in trades), Decimal(0))
    assert straight.wallet_balance == mixed.wallet_balance == expected
    for ledger in (straight, mixed):
        lots = held(ledger).lots
        assert sum((lot.quantity for lot in lots), Decimal(0)) == abs(held(ledger).quantity)


@given(trades=TRADES, data=st.data())
def test_in_any_order_lots_and_trips_are_the_cash_that_flowed(trades, data):
    order = data.draw(st.permutations([trade.report(number) for number, trade in enumerate(trades, 1)]))

    ledger = told(order, 3).ledger

    position = held(ledger)
    earned = sum((trip.pnl for trip in ledger.changes.round_trips), Decimal(0))
    invested = sum((lot.quantity * lot.price for lot in position.lots), Decimal(0)) * position.side.sign
    assert earned - invested == -sum((t.quantity * t.price * t.side.sign for t in trades), Decimal(0))
    paid = sum((trip.commission for trip in ledger.changes.round_trips), Decimal(0))
    assert paid + sum((lot.commission for lot in position.lots), Decimal(0)) == position.commission


def lots(ledger: Ledger) -> list[tuple[int, Decimal]]:
    return [(lot.trade_id, lot.quantity) for lot in held(ledger).lots]


def trips(ledger: Ledger) -> list[tuple[int, int, Decimal]]:
    return sorted((t.entry_trade_id, t.exit_trade_id, t.quantity) for t in ledger.changes.round_trips)


@given(trades=TRADES, data=st.data())
def test_in_any_order_with_any_comparisons_a_position_costs_what_its_trades_come_to_by_their_ids(
    trades, data
):
    reports = [trade.report(number) for number, trade in enumerate(trades, 1)]
    straight, mixed = told(reports, 1), told([], 1)

    heard: set[int] = set()
    for report in data.draw(st.permutations(reports)):
        mixed.decide(a_read(fills=[report]))
        heard.add(report.trade_id)
        complete = next(number for number in range(1, len(trades) + 2) if number not in heard) - 1
        compared = data.draw(st.integers(0, complete))
        mixed.decide(a_read(confirmed=[(BTC, compared)] if compared else []))
        known = told([each for each in reports if each.trade_id in heard], 1)
        assert held(mixed.ledger).cost == held(known.ledger).cost

    assert held(straight.ledger).cost == held(mixed.ledger).cost
    assert ledger_snapshot(fold(mixed.journal)) == ledger_snapshot(mixed.ledger)


@given(trades=TRADES, data=st.data())
def test_lots_are_those_in_the_order_of_ids_unless_round_trips_were_told_that_are_not(trades, data):
    reports = [trade.report(number) for number, trade in enumerate(trades, 1)]

    straight = told(reports, 1).ledger
    mixed = told(data.draw(st.permutations(reports)), 1).ledger

    if trips(straight) == trips(mixed):
        assert lots(straight) == lots(mixed)
