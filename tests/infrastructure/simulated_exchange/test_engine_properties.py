"""Whatever is asked of the exchange in whatever market: money is conserved and nobody gets what was not offered.

The engine under test is killed and opened again from its file at any moment; a twin that never was must stay equal
to it, which is what "continues exactly" means.
"""

import copy
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from src.infrastructure.market_data.frames import BookTicker, MarketFrame, TradePrint
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.records import Trade
from src.infrastructure.simulated_exchange.rules import HOUR_MS, ExchangeRules
from src.infrastructure.simulated_exchange.store import ExchangeStore
from src.infrastructure.simulated_exchange.units import multiply, to_units
from tests.support.engine_builders import ACCOUNT, BTC, START_MS, Frames, a_request, an_instrument

RULES = ExchangeRules(funding_interval_ms=HOUR_MS)
FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None

TICKS = st.integers(-4, 4)
LOTS = st.integers(1, 30)
MOSTLY_NOT = st.sampled_from([False, False, False, True])
SIDES = st.sampled_from(["BUY", "SELL"])
WORKING_TYPES = st.sampled_from(["CONTRACT_PRICE", "MARK_PRICE"])


def price_at(ticks: int) -> str:
    return f"{Decimal(76000) + ticks * Decimal('0.10'):f}"


def lots(count: int) -> str:
    return f"{count * Decimal('0.010'):f}"


class ExchangeUnderStress(RuleBasedStateMachine):
    """Random frames, requests, time and kills."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=FOLDER))
        self.frames = Frames()
        self.shown: list[MarketFrame] = []
        self.since_commit: list[Callable[[Engine], Any]] = []
        self.shown_at_commit = 0
        self.committed: dict[str, Any] = {}
        self.deposits = 0
        self.middle = 0
        self.offered: dict[tuple[str, int], int] = {}
        self.taken: dict[tuple[str, int], int] = defaultdict(int)
        self.prints: dict[int, tuple[int, int, bool]] = {}
        self.checked_trade = 0
        self.quantities: dict[int, int] = defaultdict(int)
        self.position = self.received = self.realized = 0
        self.engine = self._open_file()
        self.twin = Engine(ExchangeStore(":memory:"), (an_instrument(),), rules=RULES)
        for engine in (self.engine, self.twin):
            engine.create_account(ACCOUNT, "paper-1")
        self._both(lambda engine: engine.advance_time(START_MS))
        self.deposit(1_000_000)
        self.quote(0, 10, 10)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.store.close()
            shutil.rmtree(self.folder)

    def _open_file(self) -> Engine:
        path = self.folder / "exchange.sqlite"
        self.store = ExchangeStore(path, synchronous="OFF", failpoint=self._note_commit)
        return Engine(self.store, (an_instrument(),), rules=RULES)

    def _note_commit(self, name: str) -> None:
        if name == "exchange.after_commit":
            self.committed = copy.deepcopy(self.engine.memory())
            self.shown_at_commit = len(self.shown)
            self.since_commit = []

    def _both(self, call: Callable[[Engine], Any]) -> Any:
        """Do the same to both engines; they must answer, refuse and tell alike."""
        self.since_commit.append(call)
        answers = []
        for engine in (self.engine, self.twin):
            try:
                answers.append(call(engine))
            except ExchangeError as no:
                answers.append(no.code)
        assert answers[0] == answers[1]
        assert self.engine.take_events() == self.twin.take_events()
        return answers[0]

    def _show(self, frame: MarketFrame) -> None:
        self.shown.append(frame)
        self._both(lambda engine: engine.on_frame(frame))

    # --- the market ---------------------------------------------------------------------------------------

    @rule(move=TICKS, bids=LOTS, asks=LOTS)
    def quote(self, move: int, bids: int, asks: int) -> None:
        self.middle += move
        frame = self.frames.ticker(
            price_at(self.middle - 1), price_at(self.middle + 1), lots(bids), lots(asks), after_ms=7
        )
        event = frame[3]
        assert isinstance(event, BookTicker)
        showing = {
            ("SELL", to_units(event.bid_price)): to_units(event.bid_quantity),
            ("BUY", to_units(event.ask_price)): to_units(event.ask_quantity),
        }
        for level in self.taken.keys() | showing.keys():
            if showing.get(level) != self.offered.get(level):
                self.taken.pop(level, None)
        self.offered = showing
        self._show(frame)

    @rule(offset=TICKS, size=LOTS, hit_bid=st.booleans())
    def trade(self, offset: int, size: int, hit_bid: bool) -> None:
        frame = self.frames.trade(price_at(self.middle + offset), lots(size), hit_bid, after_ms=3)
        event = frame[3]
        assert isinstance(event, TradePrint)
        self.prints[event.trade_id] = (to_units(event.price), to_units(event.quantity), hit_bid)
        self._show(frame)

    @rule(offset=TICKS, rate=st.integers(-30, 30))
    def mark(self, offset: int, rate: int) -> None:
        self._show(self.frames.mark(price_at(self.middle + offset), f"{rate * Decimal('0.00001'):f}"))

    @rule(ms=st.sampled_from([1, 10, 100, 500, HOUR_MS]))
    def wait(self, ms: int) -> None:
        self.frames.now_ms += ms
        now_ms = self.frames.now_ms
        self._both(lambda engine: engine.advance_time(now_ms))

    # --- requests -----------------------------------------------------------------------------------------

    def _send(self, **changes: Any) -> None:
        request = a_request(self.engine, **changes)
        if request.trigger_price is None:
            self._both(lambda engine: engine.new_order(ACCOUNT, request))
        else:
            self._both(lambda engine: engine.new_algo_order(ACCOUNT, request))

    @rule(side=SIDES, size=LOTS, reduce_only=MOSTLY_NOT)
    def market_order(self, side: str, size: int, reduce_only: bool) -> None:
        self._send(side=side, quantity=lots(size), reduce_only=reduce_only)

    @rule(
        side=SIDES,
        size=LOTS,
        offset=TICKS,
        time_in_force=st.sampled_from(["GTC", "GTC", "IOC", "GTX"]),
        reduce_only=MOSTLY_NOT,
    )
    def limit_order(self, side: str, size: int, offset: int, time_in_force: str, reduce_only: bool) -> None:
        price = price_at(self.middle + offset)
        self._send(
            side=side, quantity=lots(size), price=price, time_in_force=time_in_force, reduce_only=reduce_only
        )

    @rule(
        side=SIDES,
        sizes=st.lists(LOTS, min_size=2, max_size=3),
        prints=st.lists(LOTS, min_size=1, max_size=3),
    )
    def several_wait_at_the_best_price(self, side: str, sizes: list[int], prints: list[int]) -> None:
        is_buy = side == "BUY"
        for size in sizes:
            price = price_at(self.middle - 1 if is_buy else self.middle + 1)
            self._send(side=side, quantity=lots(size), price=price, time_in_force="GTX")
        for size in prints:
            self.trade(-1 if is_buy else 1, size, is_buy)

    @rule(
        side=SIDES,
        size=LOTS,
        offset=TICKS,
        kind=st.sampled_from(["STOP_MARKET", "TAKE_PROFIT_MARKET"]),
        working_type=WORKING_TYPES,
        reduce_only=MOSTLY_NOT,
    )
    def conditional_order(self, side, size, offset, kind, working_type, reduce_only) -> None:
        self._send(
            side=side,
            quantity=lots(size),
            trigger_price=price_at(self.middle + offset),
            type=kind,
            working_type=working_type,
            reduce_only=reduce_only,
        )

    @precondition(lambda self: self.engine.open_orders(ACCOUNT))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.engine.open_orders(ACCOUNT)))
        self._both(lambda engine: engine.cancel_order(ACCOUNT, BTC, order_id=order["orderId"]))

    @precondition(lambda self: self.engine.open_algo_orders(ACCOUNT))
    @rule(data=st.data())
    def cancel_conditional(self, data: st.DataObject) -> None:
        algo = data.draw(st.sampled_from(self.engine.open_algo_orders(ACCOUNT)))
        self._both(lambda engine: engine.cancel_algo_order(ACCOUNT, algo_id=algo["algoId"]))

    @precondition(lambda self: self.engine.open_orders(ACCOUNT))
    @rule(data=st.data(), size=LOTS, offset=TICKS)
    def modify(self, data: st.DataObject, size: int, offset: int) -> None:
        order = data.draw(st.sampled_from(self.engine.open_orders(ACCOUNT)))
        price, quantity = Decimal(price_at(self.middle + offset)), Decimal(lots(size))
        now_ms = self.engine.now_ms
        self._both(
            lambda engine: engine.modify_order(
                ACCOUNT, BTC, quantity, price, now_ms, order_id=order["orderId"]
            )
        )

    @rule(leverage=st.sampled_from([1, 20, 125]))
    def set_leverage(self, leverage: int) -> None:
        self._both(lambda engine: engine.set_leverage(ACCOUNT, BTC, leverage))

    @rule(countdown_ms=st.sampled_from([0, 400, HOUR_MS]))
    def dead_mans_switch(self, countdown_ms: int) -> None:
        self._both(lambda engine: engine.countdown_cancel_all(ACCOUNT, BTC, countdown_ms))

    @rule(amount=st.integers(1, 5_000))
    def deposit(self, amount: int) -> None:
        self.deposits += to_units(Decimal(amount))
        self._both(lambda engine: engine.deposit(ACCOUNT, "USDT", Decimal(amount)))

    @rule()
    def kill_and_open_again(self) -> None:
        """The market is shown again up to the commit, then goes on as it did."""
        since_commit = self.since_commit
        self.store.close()
        self.engine = self._open_file()
        for frame in self.shown[: self.shown_at_commit]:
            self.engine.warm(frame)
        for call in since_commit:
            try:
                call(self.engine)
            except ExchangeError:
                continue  # It was refused the first time, too, and changed nothing.
        self.engine.take_events()
        assert self.engine.memory() == self.twin.memory()

    # --- what must always hold ----------------------------------------------------------------------------

    @invariant()
    def the_file_is_the_engine_at_its_last_commit(self) -> None:
        if not self.committed:
            return
        store = ExchangeStore(self.folder / "exchange.sqlite", synchronous="OFF")
        again = Engine(store, (an_instrument(),), rules=RULES)
        assert again.memory() == self.committed
        assert again.open_orders(ACCOUNT) == self.engine.open_orders(ACCOUNT)
        assert again.open_algo_orders(ACCOUNT) == self.engine.open_algo_orders(ACCOUNT)
        store.close()

    @invariant()
    def money_is_conserved(self) -> None:
        for line in self.engine.audit():
            assert line.holds
            funding = line.incomes.get("FUNDING_FEE", 0)
            assert line.wallet == self.deposits + line.traded_pnl - line.traded_commission + funding

    @invariant()
    def every_fill_was_offered(self) -> None:
        trades = self.engine.trade_records(ACCOUNT, BTC, self.checked_trade + 1)
        by_print: dict[int, int] = defaultdict(int)
        for trade in trades:
            self.checked_trade = trade.trade_id
            self._check_reduce_only(trade)
            self.position += trade.quantity if trade.side == "BUY" else -trade.quantity
            self.quantities[trade.order_id] += trade.quantity
            self.received += multiply(trade.price, trade.quantity) * (-1 if trade.side == "BUY" else 1)
            self.realized += trade.realized
            if trade.reference.kind == "trade":
                by_print[trade.reference.event_id] += trade.quantity
                price, quantity, hit_bid = self.prints[trade.reference.event_id]
                assert trade.is_maker
                assert hit_bid is (trade.side == "BUY")
                assert trade.price >= price if hit_bid else trade.price <= price
                assert by_print[trade.reference.event_id] <= quantity
            else:
                level = (trade.side, trade.price)
                self.taken[level] += trade.quantity
                assert not trade.is_maker
                assert self.taken[level] <= self.offered[level]

    def _check_reduce_only(self, trade: Trade) -> None:
        if self.engine.query_order(ACCOUNT, BTC, order_id=trade.order_id)["reduceOnly"]:
            room = -self.position if trade.side == "BUY" else self.position
            assert trade.quantity <= room

    @invariant()
    def the_position_is_the_sum_of_the_trades(self) -> None:
        rows = self.engine.position_risk(ACCOUNT)
        held = to_units(Decimal(rows[0]["positionAmt"])) if rows else 0
        assert held == self.position

    @invariant()
    def profit_is_what_was_received_and_what_is_still_held_at_cost(self) -> None:
        rows = self.engine.memory()["accounts"][0][3]
        held = next((row[2:4] for row in rows if row[0] == BTC), [0, 0])
        signed_cost = held[1] if held[0] > 0 else -held[1]
        assert self.realized == self.received + signed_cost
        assert (held[0] == 0) is (held[1] == 0)

    @invariant()
    def open_orders_have_something_left(self) -> None:
        for order in self.engine.open_orders(ACCOUNT):
            executed, quantity = to_units(Decimal(order["executedQty"])), to_units(Decimal(order["origQty"]))
            assert 0 <= executed < quantity
            assert executed == self.quantities[order["orderId"]]
            assert order["status"] == ("PARTIALLY_FILLED" if executed else "NEW")

    @invariant()
    def reduce_only_orders_wait_only_while_there_is_a_position(self) -> None:
        if self.position == 0:
            assert not any(order["reduceOnly"] for order in self.engine.open_orders(ACCOUNT))


QUICK = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestExchangeUnderStress = ExchangeUnderStress.TestCase
TestExchangeUnderStress.settings = QUICK


@pytest.mark.slow
def test_the_exchange_under_long_stress():
    run_state_machine_as_test(
        ExchangeUnderStress, settings=settings(QUICK, max_examples=1500, stateful_step_count=60)
    )
