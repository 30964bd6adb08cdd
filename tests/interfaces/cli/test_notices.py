"""What a session tells in lines: fills as one notice of an order, positions opened and closed, refusals."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from src.domain.ledger.events import (
    AlarmRaised,
    Event,
    FillBooked,
    IncomeBooked,
    OrderDenied,
    OrderMoved,
    RecoveryFinished,
    SessionMoved,
    TradingMoved,
)
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.transitions import OrderTrigger
from src.domain.sessions.session import SessionTrigger
from src.domain.sessions.trading_states import TradingTrigger
from src.interfaces.cli.screens.notices import Notice, Notices
from tests.support.session_builders import a_position, a_snapshot

NOW_MS = 1_767_571_265_000
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def a_fill(side: OrderSide, quantity: str, price: str = "61000", **changed: Any) -> FillBooked:
    values: dict[str, Any] = {
        "client_order_id": "abc-1",
        "symbol": "BTCUSDT",
        "trade_id": 1,
        "exchange_order_id": 1,
        "side": side,
        "position_side": PositionSide.BOTH,
        "price": Decimal(price),
        "quantity": Decimal(quantity),
        "realized_pnl": Decimal(0),
        "commission": Decimal("0.5"),
        "commission_asset": "USDT",
        "is_maker": False,
        "traded_ms": NOW_MS,
        "strategy_id": "rsi",
    }
    return FillBooked(**{**values, **changed})


def told(*batches: Sequence[Event], held: tuple[Any, ...] = ()) -> list[Notice]:
    notices = Notices()
    notices.start(a_snapshot(positions=held, orders=()))
    return [notice for events in batches for notice in notices.of(NOW_MS, events)]


def test_the_fills_of_one_order_are_one_notice_and_open_a_position():
    notices = told([a_fill(BUY, "0.1", "61000"), a_fill(BUY, "0.3", "61004", trade_id=2)])

    assert [(notice.kind, notice.text) for notice in notices] == [
        ("order_filled", "BUY 0.4 BTCUSDT @ 61,003 (not ours, fee 1.00)"),
        ("position_opened", "LONG 0.4 BTCUSDT @ 61,003"),
    ]


def test_a_closed_position_is_told_with_all_that_it_earned():
    notices = told(
        [a_fill(SELL, "0.4")],
        [a_fill(BUY, "0.1", "60970", trade_id=2)],
        [a_fill(BUY, "0.3", "60970", trade_id=3)],
    )

    assert [notice.text for notice in notices if notice.kind.startswith("position")] == [
        "SHORT 0.4 BTCUSDT @ 61,000",
        "SHORT 0.3 BTCUSDT, net +10.50",
    ]


def test_a_fill_through_zero_closes_one_position_and_opens_the_other():
    notices = told([a_fill(SELL, "0.02")], held=(a_position(quantity="0.016"),))

    assert [notice.kind for notice in notices] == ["order_filled", "position_closed", "position_opened"]
    assert notices[-1].fields["quantity"] == Decimal("-0.004")


def nets(notices: Sequence[Notice]) -> list[str]:
    return [f"{each.fields['net_pnl']:.2f}" for each in notices if each.kind == "position_closed"]


def test_a_position_that_turns_is_charged_with_its_own_part_of_the_commission():
    notices = told([a_fill(BUY, "0.1")], [a_fill(SELL, "0.4", commission=Decimal(2))], [a_fill(BUY, "0.3")])

    assert nets(notices) == ["-1.00", "-2.00"]


def test_in_hedge_mode_long_and_short_of_a_symbol_are_two_positions():
    long, short = PositionSide.LONG, PositionSide.SHORT
    notices = told(
        [a_fill(BUY, "0.4", position_side=long)],
        [a_fill(SELL, "0.4", position_side=short, exchange_order_id=2)],
        [
            a_fill(SELL, "0.4", "61010", position_side=long, exchange_order_id=3),
            a_fill(BUY, "0.4", "61020", position_side=short, exchange_order_id=4),
        ],
    )

    assert [each.text for each in notices if each.kind.startswith("position")] == [
        "LONG 0.4 BTCUSDT @ 61,000",
        "SHORT 0.4 BTCUSDT @ 61,000",
        "LONG 0.4 BTCUSDT, net +3.00",
        "SHORT 0.4 BTCUSDT, net -9.00",
    ]


def test_trades_of_strangers_are_told_order_by_order():
    strange = {"client_order_id": "", "strategy_id": ""}
    notices = told(
        [a_fill(BUY, "0.4", **strange), a_fill(BUY, "3", symbol="ETHUSDT", exchange_order_id=2, **strange)]
    )

    assert [each.fields["symbol"] for each in notices] == ["BTCUSDT", "BTCUSDT", "ETHUSDT", "ETHUSDT"]


def test_a_position_that_a_session_began_with_keeps_what_its_entry_cost():
    held = a_position(
        "BTCUSDT", "-0.4", position_side="SHORT", entry_commission=Decimal("1.5"), lot_price=Decimal(61_005)
    )

    notices = told([a_fill(BUY, "0.4", position_side=PositionSide.SHORT)], held=(held,))

    assert nets(notices) == ["0.00"]


def test_a_commission_in_another_asset_is_no_part_of_a_net_figure():
    notices = told([a_fill(BUY, "0.4", commission_asset="BNB")], [a_fill(SELL, "0.4", "61010")])

    assert nets(notices) == ["3.50"]


@given(st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 5)), max_size=12))
def test_positions_are_opened_and_closed_in_turns(fills: list[tuple[OrderSide, int]]):
    notices = told(
        *([a_fill(side, str(size), client_order_id=f"abc-{n}")] for n, (side, size) in enumerate(fills))
    )

    kinds = [notice.kind for notice in notices if notice.kind.startswith("position")]
    assert kinds == ["position_opened" if n % 2 == 0 else "position_closed" for n in range(len(kinds))]
    assert (len(kinds) % 2 == 1) == bool(sum(size if side is BUY else -size for side, size in fills))


def a_denial(rule: str = "position_size") -> OrderDenied:
    return OrderDenied("BTCUSDT", BUY, Decimal("0.4"), "rsi", rule, "0.2", "0.1", "too large")


def test_what_a_person_must_hear_of_is_told_in_one_line():
    notices = told(
        [
            OrderMoved("abc-9", OrderTrigger.REJECT, Decimal(0), NOW_MS, reason="Margin is insufficient."),
            a_denial(),
            IncomeBooked(1, "FUNDING_FEE", "USDT", Decimal("-0.30"), "BTCUSDT", NOW_MS),
            IncomeBooked(1, "SPECIAL_FUNDING_FEE", "USDT", Decimal("-0.10"), "BTCUSDT", NOW_MS),
            IncomeBooked(2, "COMMISSION", "USDT", Decimal("-0.30"), "BTCUSDT", NOW_MS),
            SessionMoved("s", SessionTrigger.PAUSE, "asked for"),
            SessionMoved("s", SessionTrigger.INITIALIZED, ""),
            TradingMoved(TradingTrigger.HALT, "fat finger", "operator"),
            RecoveryFinished("start", 3, 0, 0, 0, 0, True),
            RecoveryFinished("timer", 3, 1, 0, 2, 2, False),
            AlarmRaised("disk", "nearly full"),
        ]
    )

    assert [f"{notice.kind}: {notice.text}" for notice in notices] == [
        "order_rejected: abc-9 was rejected: Margin is insufficient.",
        "order_denied: BUY 0.4 BTCUSDT refused by position_size: too large",
        "funding_paid: BTCUSDT funding -0.30 USDT",
        "funding_paid: BTCUSDT funding -0.10 USDT",
        "session_moved: pause: asked for",
        "trading_moved: halt: fat finger",
        "recovered: 2 differences between store and exchange (timer): 2 orders are still unresolved",
        "alarm: disk: nearly full",
    ]


def test_the_same_refusal_is_told_once_in_ten_minutes():
    notices = Notices()

    told_at = [at_ms for at_ms in (0, 1_000, 599_999, 600_000, 601_000) if notices.of(at_ms, [a_denial()])]

    assert told_at == [0, 600_000]
    assert notices.of(601_000, [a_denial("daily_loss")])
