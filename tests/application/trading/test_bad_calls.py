"""Bad calls of the library: each raises one line that names what is wrong, and orders nothing."""

import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.trading.config import TradingConfig
from src.application.trading.services.live_trading_service import LiveTradingService, NoSession
from src.application.trading.trading_state import TradingState
from src.application.trading.vocabulary import ExecutionResult, Order, OrderSide
from src.bootstrap.assembly import repositories
from src.domain.shared.errors import IllegalTransition
from tests.application.trading.callers import data_folder, service, until

__all__ = ["data_folder", "service"]

Call = Callable[[LiveTradingService], Awaitable[object]]


def order(**changes: Any) -> Call:
    """Place an order that would be good but for one argument."""
    arguments: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01"}
    return lambda service: service.place_order(**(arguments | changes))


def limit(**changes: Any) -> Call:
    return order(order_type="LIMIT", price=45_000, **changes)


def wanted(**changes: Any) -> Call:
    """Execute an order, written by its constructor, that would be good but for one argument."""
    arguments: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "quantity": 0.01}
    return lambda service: service.execute_order(Order(**(arguments | changes)))


def adjusted(quantity: Any) -> Call:
    return lambda service: service.adjust_position("BTCUSDT", quantity)


def sliced(duration_ms: Any, slices: Any) -> Call:
    return lambda service: service.place_twap(Order.of("BTCUSDT", "BUY", "0.01"), duration_ms, slices)


def asked(method: str, value: str) -> Call:
    return lambda service: getattr(service, method)(value)


NO_NUMBERS: list[Any] = [
    "",
    "abc",
    "1,5",
    "NaN",
    "Infinity",
    "-Infinity",
    None,
    [],
    "0x10",
    "1e",
    "½",
    float("nan"),
    float("inf"),
]

CALLS: dict[str, Call] = {
    **{f"the quantity {value!r}": order(quantity=value) for value in [*NO_NUMBERS, 0, -1, "-0.01", "0.0"]},
    **{f"the price {value!r}": order(order_type="LIMIT", price=value) for value in [*NO_NUMBERS, 0, -45_000]},
    **{f"the stop loss {value!r}": order(stop_loss=value) for value in [*NO_NUMBERS[:6], 0, -1]},
    **{f"the take profit {value!r}": order(take_profit=value) for value in [*NO_NUMBERS[:6], 0, -1]},
    **{f"the symbol {value!r}": order(symbol=value) for value in ["", "B$", "btc usdt !", "€", "A" * 60, "../x"]},
    "a symbol that is not traded": order(symbol="DOGEUSDT"),
    **{f"the side {value!r}": order(side=value) for value in ["", "LONG", "buy ", None, 1]},
    **{f"the type {value!r}": order(order_type=value) for value in ["", "STOP", "market", None, 3]},
    **{f"the time in force {value!r}": limit(time_in_force=value) for value in ["", "DAY", "gtc", 7]},
    "a limit order without a price": order(order_type="LIMIT"),
    "a market order with a price": order(price=45_000),
    **{f"status of {value!r}": asked("get_order_status", value) for value in ["", "x", "'; --", "0" * 99]},
    **{f"cancel of {value!r}": asked("cancel_order", value) for value in ["", "x", "'; --", "0" * 99]},
    **{f"close of {value!r}": asked("close_position", value) for value in ["", "B$", "BTCUSDT", "DOGEUSDT"]},
    **{f"adjust to {value!r}": adjusted(value) for value in ["abc", "NaN", "Infinity"]},
    **{f"the number {value!r}": order(quantity=value) for value in ["1e60", "1e-60", "1e999999", Decimal("1e21")]},
    **{f"the distant stop {value!r}": order(stop_loss=value) for value in ["1e60", "1e-60", 1e300]},
    **{f"the end {value!r}": limit(good_till_ms=value) for value in ["x", 1e15, True, -1, 10**15, 10**20]},
    **{f"the order's quantity {value!r}": wanted(quantity=value) for value in [*NO_NUMBERS, -1, "1e60"]},
    **{f"the order's price {value!r}": wanted(order_type="LIMIT", price=value) for value in ["abc", 0, float("nan")]},
    **{f"the order's symbol {value!r}": wanted(symbol=value) for value in ["", "B$", None, 5]},
    **{f"the order's side {value!r}": wanted(side=value) for value in ["", "LONG", None, 1]},
    **{f"the order's type {value!r}": wanted(order_type=value) for value in ["", "market", None]},
    **{f"the order's strategy {value!r}": wanted(strategy_id=value) for value in [None, 5, "\udce9", "a\0b"]},
    **{f"the order's flag {value!r}": wanted(reduce_only=value) for value in ["no", None, 1]},
    "an order's stop loss that is no number": wanted(stop_loss="two"),
    "an order's end that is no number": wanted(order_type="LIMIT", price=45_000, good_till_ms="x"),
    **{f"adjust to {value!r}": adjusted(value) for value in ["1e60", "-1e60"]},
    **{f"a schedule of {value!r}": sliced(*value) for value in [(1.5, "x"), (6_000.5, 2), ("6000", 2), (6_000, 2.0)]},
    **{f"a schedule of {value} ms": sliced(value, 2) for value in [10**12, 10**20]},
    "a part of an iceberg that is too small": lambda s: s.place_iceberg(
        Order.of("BTCUSDT", "BUY", "0.01", "LIMIT", 45_000), "1e-60"
    ),
    "resume of a session that runs": lambda s: s.resume_session(),
    "a second session": lambda s: s.start_session(),
}  # fmt: skip


async def test_every_bad_call_is_one_line_and_orders_nothing(service: LiveTradingService):
    runner = service._active()
    await until(lambda: service.snapshot().markets[0].trouble is None)
    wrong: list[str] = []
    for name, call in CALLS.items():
        before = set(runner.loop.ledger.orders), dict(runner.loop.ledger.account.wallet)
        try:
            await call(service)
            wrong.append(f"{name}: nothing was raised")
        except (ValueError, LookupError, IllegalTransition) as error:
            if not str(error) or "\n" in str(error):
                wrong.append(f"{name}: {error!r} is not one line")
        except Exception as error:  # noqa: BLE001 - whatever else it is, it is what this test looks for
            wrong.append(f"{name}: raised {error!r}")
        if (set(runner.loop.ledger.orders), dict(runner.loop.ledger.account.wallet)) != before:
            wrong.append(f"{name}: something was ordered")

    assert len(CALLS) >= 130
    assert wrong == []
    assert service.is_running()


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 0.003},
        {"quantity": "0.003"},
        {"quantity": Decimal("0.003"), "side": "BUY", "order_type": "MARKET"},
        {"quantity": 0.003, "symbol": "BTC/USDT"},
        {"quantity": 0.003, "stop_loss": "2%"},
    ],
)
async def test_an_order_in_any_spelling_is_executed(service: LiveTradingService, changes: dict[str, Any]):
    await until(lambda: service.snapshot().markets[0].trouble is None)

    result = await wanted(**changes)(service)

    assert isinstance(result, ExecutionResult) and result.success
    placed = await service.get_order(result.order_id)
    assert (placed.symbol, placed.side, placed.quantity) == ("BTCUSDT", OrderSide.BUY, Decimal("0.003"))
    assert service.is_running()


@pytest.mark.parametrize(
    "call", [lambda s: s.execute_order(None), lambda s: s.execute_order({}), lambda s: s.halt(None)]
)
async def test_what_is_no_order_at_all_does_not_end_the_session(service: LiveTradingService, call: Call):
    with contextlib.suppress(AttributeError):
        await call(service)

    assert service.is_running() and not service._active().loop.ledger.orders


async def test_of_a_reason_that_no_database_takes_the_rest_is_kept(service: LiveTradingService):
    await until(lambda: service.snapshot().markets[0].trouble is None)
    await order()(service)
    await until(lambda: bool(service.snapshot().positions))

    closed = await service.close_position("BTCUSDT", "caf\udce9\0")
    await service.halt("caf\udce9\0", "me\udce9")

    assert service.is_running()
    assert (await service.get_order(closed.order_id)).ticket.reason == "caf?"
    assert service._active().loop.ledger.account.trading_reason == "caf?"


@pytest.mark.parametrize(
    "call",
    [
        order(),
        lambda s: s.pause_session(),
        lambda s: s.stop_session(),
        lambda s: s.get_positions(),
        lambda s: s.get_session_stats(),
        lambda s: s.get_metrics(),
        lambda s: s.halt("x"),
        lambda s: s.close_position("BTCUSDT"),
        lambda s: s.get_order_status("x"),
    ],
)
async def test_without_a_session_every_call_says_so(data_folder: Path, call: Call):
    with pytest.raises(NoSession, match="no session is running: call start_session first"):
        await call(LiveTradingService(config=TradingConfig()))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"symbols": ["B$"]}, "symbol"),
        ({"symbols": ["A" * 60]}, "symbol"),
        ({"strategies": ["nope"]}, "nope"),
        ({"strategies": ["sma_cross:fast=0"]}, "fast=0"),
        ({"strategies": ["rsi:period=x"]}, "period"),
        ({"portfolio_id": "x" * 65}, "64"),
    ],
)
async def test_a_session_that_cannot_be_leaves_nothing(
    data_folder: Path, arguments: dict[str, Any], said: str
):
    service = LiveTradingService(config=TradingConfig())

    with pytest.raises(ValueError, match=said) as refused:
        await service.start_session(**arguments)

    assert "\n" not in str(refused.value)
    assert not data_folder.exists() and not service.is_running()


async def halted_first(service: LiveTradingService) -> object:
    await service.halt("enough")
    return await order()(service)


REFUSALS: dict[str, tuple[dict[str, str], Call]] = {
    "position_size": ({}, order(quantity="1")),
    "order_value": ({"STEADYHAND_ORDER_VALUE_MAX": "10"}, order()),
    "price_collar": ({"STEADYHAND_PRICE_COLLAR_PCT": "0.01"}, limit()),
    "filters": ({}, order(quantity="0.0000001")),
    "leverage": ({"STEADYHAND_LEVERAGE_MAX": "0.01"}, order()),
    "margin": ({"STEADYHAND_FREE_MARGIN_PCT_MIN": "0.999"}, order()),
    "trading_state": ({}, halted_first),
}


@pytest.mark.parametrize("rule", REFUSALS)
async def test_a_rule_that_objects_is_named_with_its_limit_and_nothing_is_ordered(
    rule: str, data_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    settings, call = REFUSALS[rule]
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    service = LiveTradingService()
    await service.start_session(symbols=["BTCUSDT"], strategies=["sma_cross"])
    await until(lambda: service.snapshot().markets[0].trouble is None)

    with pytest.raises(ValueError, match=f"^{rule}: ") as refused:
        await call(service)

    assert "\n" not in str(refused.value)
    assert not service._active().loop.ledger.orders
    await service.stop_session()


async def test_a_session_that_is_paused_or_halted_opens_nothing(service: LiveTradingService):
    await service.pause_session()
    with pytest.raises(ValueError, match=r"^session_state: the session is PAUSED"):
        await order()(service)
    await service.resume_session()
    await service.halt("enough")
    with pytest.raises(ValueError, match=r"^trading_state: trading is HALTED: enough"):
        await order()(service)
    await service.rearm()

    assert (await order()(service)) is not None


def test_repositories_of_different_databases_are_refused(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    portfolios, *_ = repositories()
    monkeypatch.setenv("STEADYHAND_DATA_DIR", str(tmp_path / "other"))
    _, orders, _ = repositories()

    with pytest.raises(ValueError, match="different databases"):
        LiveTradingService(portfolio_repository=portfolios, order_repository=orders, config=TradingConfig())


def test_a_repository_of_no_database_is_refused_and_not_passed_over(data_folder: Path):
    class InMemory:
        """Somebody's own, which no session would write to."""

    with pytest.raises(ValueError, match="InMemory is a read model of no database"):
        LiveTradingService(portfolio_repository=InMemory())  # type: ignore[arg-type]  # the mistake meant


def test_states_of_nobody_are_not_found(data_folder: Path):
    with pytest.raises(Exception, match="init-db"):
        TradingState.recover("nobody")
    assert not data_folder.exists()
