"""The auditor's average cost against the engine's and the ledger's, on any sequence of trades."""

from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import use_money_context
from src.domain.positions.position import Position
from src.infrastructure.audit.arithmetic import EXACT, AverageCost
from src.infrastructure.audit.records import Trade
from src.infrastructure.simulated_exchange.accounts import Position as EnginePosition
from src.infrastructure.simulated_exchange.execution import apply_to_position
from src.infrastructure.simulated_exchange.units import to_decimal

# Prices and quantities in units of 10⁻⁸, odd ones too, small beside large.
prices = st.integers(1, 10**13) | st.sampled_from([10**12, 10**12 + 1, 3, 7 * 10**11 + 1])
quantities = st.integers(1, 10**11) | st.sampled_from([1, 2, 3, 10**5, 10**8, 10**8 + 1])
sequences = st.lists(
    st.tuples(st.sampled_from(["BOTH", "LONG", "SHORT"]), st.booleans(), prices, quantities), max_size=30
)


def a_trade(number: int, position_side: str, is_buy: bool, price: int, quantity: int) -> Trade:
    zero = Decimal(0)
    side = "BUY" if is_buy else "SELL"
    amounts = to_decimal(price), to_decimal(quantity)
    return Trade("BTCUSDT", number, number, side, position_side, *amounts, zero, zero, "USDT", False, 0)


@given(sequences)
def test_any_sequence_of_trades_comes_to_what_the_engine_makes_of_it(
    trades: list[tuple[str, bool, int, int]],
):
    mine = {side: AverageCost() for side in ("BOTH", "LONG", "SHORT")}
    engine = {side: EnginePosition("BTCUSDT", side) for side in mine}

    with localcontext(EXACT):
        for number, (side, is_buy, price, quantity) in enumerate(trades):
            profit = mine[side].take(a_trade(number, side, is_buy, price, quantity))
            realized = apply_to_position(engine[side], is_buy, price, quantity)

            assert profit == to_decimal(realized)
            assert mine[side].quantity == to_decimal(engine[side].quantity)
            # The engine keeps the cost of a short unsigned.
            assert abs(mine[side].cost) == to_decimal(engine[side].cost)


@given(sequences)
def test_any_sequence_of_trades_comes_to_the_position_of_the_ledger(trades: list[tuple[str, bool, int, int]]):
    use_money_context()
    mine, ledger = AverageCost(), Position("BTCUSDT", PositionSide.BOTH)

    for number, (_, is_buy, price, quantity) in enumerate(trades):
        trade = a_trade(number, "BOTH", is_buy, price, quantity)
        with localcontext(EXACT):
            mine.take(trade)
        ledger.apply_fill(OrderSide(trade.side), trade.price, trade.quantity, Decimal(0), "s", number, number)

        assert (mine.quantity, mine.cost) == (ledger.quantity, ledger.cost)


def test_a_trade_larger_than_the_position_turns_it_around():
    position = AverageCost()
    position.take(a_trade(1, "BOTH", True, 100 * 10**8, 2 * 10**8))

    profit = position.take(a_trade(2, "BOTH", False, 110 * 10**8, 5 * 10**8))

    assert profit == 20
    assert position.quantity == -3
    assert position.cost == -330
