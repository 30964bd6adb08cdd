"""Whatever may happen to the exchange: frames, requests of two accounts, time, its own hand, and kills.

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

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from src.infrastructure.market_data.frames import BookTicker, MarketFrame, TradePrint
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.rules import HOUR_MS, ExchangeRules
from src.infrastructure.simulated_exchange.store import ExchangeStore
from src.infrastructure.simulated_exchange.units import to_units
from tests.infrastructure.simulated_exchange.observer import Observer
from tests.support.engine_builders import ACCOUNT, BTC, START_MS, Frames, a_request, an_instrument

RULES = ExchangeRules(funding_interval_ms=HOUR_MS)
FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None

TICKS = st.integers(-4, 4)
LOTS = st.integers(1, 30)
MOSTLY_NOT = st.sampled_from([False, False, False, True])
SIDES = st.sampled_from(["BUY", "SELL"])
WORKING_TYPES = st.sampled_from(["CONTRACT_PRICE", "MARK_PRICE"])
# The first is rich; the second begins with little, and may be in hedge mode or isolated.
POOR = 2
ACCOUNTS = (ACCOUNT, POOR)
WHO = st.sampled_from(ACCOUNTS)
PREVENTION = st.sampled_from(["EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "NONE"])


def price_at(ticks: int) -> str:
    return f"{Decimal(76000) + ticks * Decimal('0.10'):f}"


def lots(count: int) -> str:
    return f"{count * Decimal('0.010'):f}"


class ExchangeHistories(RuleBasedStateMachine):
    """Random frames, requests, time and kills."""

    @initialize(hedged=st.booleans(), isolated=st.booleans())
    def begin(self, hedged: bool, isolated: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=FOLDER))
        self.frames = Frames()
        self.shown: list[MarketFrame] = []
        self.since_commit: list[Callable[[Engine], Any]] = []
        self.shown_at_commit = 0
        self.committed: dict[str, Any] = {}
        self.deposits: dict[int, int] = defaultdict(int)
        self.middle = 0
        self.observer = Observer(ACCOUNTS)
        self.engine = self._open_file()
        self.twin = Engine(ExchangeStore(":memory:"), (an_instrument(),), rules=RULES)
        for engine in (self.engine, self.twin):
            for number in ACCOUNTS:
                engine.create_account(number, f"paper-{number}")
        self._both(lambda engine: engine.advance_time(START_MS))
        self.deposit(ACCOUNT, 1_000_000)
        self.deposit(POOR, 3_000)
        if hedged:
            self.set_hedge_mode(POOR, True)
        if isolated:
            self.set_margin_type(POOR, "ISOLATED")
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
        assert isinstance(frame[3], BookTicker)
        self.observer.see_quote(frame[3])
        self._show(frame)

    @rule(thousands=st.sampled_from([-6, -3, 3, 6]))
    def jump(self, thousands: int) -> None:
        """Far enough to liquidate somebody, and back towards where prices began."""
        away = self.middle // 10_000
        self.quote(thousands * 10_000 if abs(away + thousands) <= 12 else -thousands * 10_000, 30, 30)
        self.wait(1_000)

    @rule(offset=TICKS, size=LOTS, hit_bid=st.booleans())
    def trade(self, offset: int, size: int, hit_bid: bool) -> None:
        frame = self.frames.trade(price_at(self.middle + offset), lots(size), hit_bid, after_ms=3)
        assert isinstance(frame[3], TradePrint)
        self.observer.see_print(frame[3])
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

    def _send(self, who: int, long: bool = True, **changes: Any) -> None:
        """In hedge mode for one of the two positions, which then says what reduces."""
        if self.engine.hedge_mode(who):
            changes |= {"position_side": "LONG" if long else "SHORT", "reduce_only": False}
        request = a_request(self.engine, **changes)
        if request.type in ("MARKET", "LIMIT"):
            self._both(lambda engine: engine.new_order(who, request))
        else:
            self._both(lambda engine: engine.new_algo_order(who, request))

    @rule(who=WHO, side=SIDES, size=LOTS, reduce_only=MOSTLY_NOT, long=st.booleans(), mode=PREVENTION)
    def market_order(self, who, side, size, reduce_only, long, mode) -> None:
        quantity = lots(size)
        self._send(
            who, long, side=side, quantity=quantity, reduce_only=reduce_only, self_trade_prevention=mode
        )

    @rule(
        who=WHO,
        side=SIDES,
        size=LOTS,
        offset=TICKS,
        time_in_force=st.sampled_from(["GTC", "GTC", "IOC", "GTX", "FOK", "GTD"]),
        reduce_only=MOSTLY_NOT,
        long=st.booleans(),
        mode=PREVENTION,
    )
    def limit_order(self, who, side, size, offset, time_in_force, reduce_only, long, mode) -> None:
        self._send(
            who,
            long,
            side=side,
            quantity=lots(size),
            price=price_at(self.middle + offset),
            time_in_force=time_in_force,
            reduce_only=reduce_only,
            good_till_ms=self.engine.now_ms + HOUR_MS // 2 if time_in_force == "GTD" else 0,
            self_trade_prevention=mode,
        )

    @rule(
        side=SIDES,
        sizes=st.lists(st.tuples(WHO, LOTS), min_size=2, max_size=3),
        prints=st.lists(LOTS, min_size=1, max_size=3),
    )
    def several_wait_at_the_best_price(self, side, sizes, prints) -> None:
        is_buy = side == "BUY"
        for who, size in sizes:
            price = price_at(self.middle - 1 if is_buy else self.middle + 1)
            self._send(who, is_buy, side=side, quantity=lots(size), price=price, time_in_force="GTX")
        for size in prints:
            self.trade(-1 if is_buy else 1, size, is_buy)

    @rule(resting=WHO, taking=WHO, side=SIDES, first=LOTS, second=LOTS, mode=PREVENTION)
    def one_meets_another_inside_the_spread(self, resting, taking, side, first, second, mode) -> None:
        price = price_at(self.middle)
        self._send(resting, side == "BUY", side=side, quantity=lots(first), price=price)
        other = "SELL" if side == "BUY" else "BUY"
        changes = {"quantity": lots(second), "price": price, "self_trade_prevention": mode}
        self._send(taking, other == "BUY", side=other, **changes)

    @rule(
        who=WHO,
        side=SIDES,
        size=LOTS,
        offset=TICKS,
        kind=st.sampled_from(["STOP_MARKET", "TAKE_PROFIT_MARKET", "STOP", "TAKE_PROFIT"]),
        working_type=WORKING_TYPES,
        reduce_only=MOSTLY_NOT,
        long=st.booleans(),
    )
    def conditional_order(self, who, side, size, offset, kind, working_type, reduce_only, long) -> None:
        changes: dict[str, Any] = {"type": kind, "working_type": working_type, "reduce_only": reduce_only}
        if not kind.endswith("MARKET"):
            changes |= {"price": price_at(self.middle + offset), "time_in_force": "GTC"}
        trigger = price_at(self.middle + offset)
        self._send(
            who, long, side=side, quantity=lots(size), trigger_price=trigger, **(changes | {"type": kind})
        )

    @rule(
        who=WHO,
        side=SIDES,
        size=LOTS,
        rate=st.sampled_from(["0.1", "3"]),
        working_type=WORKING_TYPES,
        long=st.booleans(),
    )
    def trailing_order(self, who, side, size, rate, working_type, long) -> None:
        changes = {
            "type": "TRAILING_STOP_MARKET",
            "callback_rate": Decimal(rate),
            "working_type": working_type,
        }
        self._send(who, long, side=side, quantity=lots(size), **changes)

    @rule(who=WHO, side=SIDES, offset=TICKS, long=st.booleans())
    def closing_order(self, who: int, side: str, offset: int, long: bool) -> None:
        trigger = price_at(self.middle + offset)
        self._send(who, long, side=side, quantity=None, trigger_price=trigger, close_position=True)

    @precondition(lambda self: self._open_somewhere(Engine.open_orders))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        who, order = data.draw(st.sampled_from(self._open_somewhere(Engine.open_orders)))
        self._both(lambda engine: engine.cancel_order(who, BTC, order_id=order["orderId"]))

    @precondition(lambda self: self._open_somewhere(Engine.open_algo_orders))
    @rule(data=st.data())
    def cancel_conditional(self, data: st.DataObject) -> None:
        who, algo = data.draw(st.sampled_from(self._open_somewhere(Engine.open_algo_orders)))
        self._both(lambda engine: engine.cancel_algo_order(who, algo_id=algo["algoId"]))

    @precondition(lambda self: self._open_somewhere(Engine.open_orders))
    @rule(data=st.data(), size=LOTS, offset=TICKS)
    def modify(self, data: st.DataObject, size: int, offset: int) -> None:
        who, order = data.draw(st.sampled_from(self._open_somewhere(Engine.open_orders)))
        price, quantity = Decimal(price_at(self.middle + offset)), Decimal(lots(size))
        now_ms = self.engine.now_ms
        self._both(
            lambda engine: engine.modify_order(who, BTC, quantity, price, now_ms, order_id=order["orderId"])
        )

    def _open_somewhere(self, listing: Callable[[Engine, int], list[Any]]) -> list[tuple[int, Any]]:
        return [(who, order) for who in ACCOUNTS for order in listing(self.engine, who)]

    @rule(who=WHO, is_algo=st.booleans())
    def cancel_all(self, who: int, is_algo: bool) -> None:
        if is_algo:
            self._both(lambda engine: engine.cancel_all_algo_orders(who, BTC))
        else:
            self._both(lambda engine: engine.cancel_all_orders(who, BTC))

    # --- settings and the exchange's hand -----------------------------------------------------------------

    @rule(who=WHO, leverage=st.sampled_from([1, 20, 125]))
    def set_leverage(self, who: int, leverage: int) -> None:
        self._both(lambda engine: engine.set_leverage(who, BTC, leverage))

    @rule(who=WHO, enabled=st.booleans())
    def set_hedge_mode(self, who: int, enabled: bool) -> None:
        self._both(lambda engine: engine.set_hedge_mode(who, enabled))

    @rule(who=WHO, margin_type=st.sampled_from(["CROSSED", "ISOLATED"]))
    def set_margin_type(self, who: int, margin_type: str) -> None:
        self._both(lambda engine: engine.set_margin_type(who, BTC, margin_type))

    @rule(
        who=WHO,
        amount=st.integers(1, 500),
        kind=st.sampled_from([1, 2]),
        side=st.sampled_from(["BOTH", "LONG", "SHORT"]),
    )
    def change_margin(self, who: int, amount: int, kind: int, side: str) -> None:
        self._both(lambda engine: engine.change_position_margin(who, BTC, Decimal(amount), kind, side))

    @rule(who=WHO, countdown_ms=st.sampled_from([0, 400, HOUR_MS]))
    def dead_mans_switch(self, who: int, countdown_ms: int) -> None:
        self._both(lambda engine: engine.countdown_cancel_all(who, BTC, countdown_ms))

    @rule(who=WHO, amount=st.integers(1, 5_000))
    def deposit(self, who: int, amount: int) -> None:
        self.deposits[who] += to_units(Decimal(amount))
        self._both(lambda engine: engine.deposit(who, "USDT", Decimal(amount)))

    @rule(
        who=WHO,
        side=st.sampled_from(["BOTH", "LONG", "SHORT"]),
        what=st.sampled_from(["liquidation", "adl", "funding", "settlement"]),
    )
    def the_exchange_acts(self, who: int, side: str, what: str) -> None:
        if what == "liquidation":
            self._both(lambda engine: engine.force_liquidation(who, BTC, side))
        elif what == "adl":
            self._both(lambda engine: engine.force_adl(who, BTC, side))
        elif what == "funding":
            self._both(lambda engine: engine.force_funding(BTC, Decimal("0.003")))
        else:
            self._both(lambda engine: engine.force_settlement(BTC))
            self._both(lambda engine: engine.set_symbol_status(BTC, "TRADING"))

    @rule(status=st.sampled_from(["TRADING", "TRADING", "TRADING_HALT"]))
    def the_symbol_changes(self, status: str) -> None:
        self._both(lambda engine: engine.set_symbol_status(BTC, status))

    @rule(hangs=st.sampled_from([False, False, True]))
    def triggers_hang(self, hangs: bool) -> None:
        self._both(lambda engine: engine.hang_triggers(BTC, hangs))

    @rule(who=WHO, side=SIDES, size=LOTS, reduce_only=MOSTLY_NOT, long=st.booleans(), goes_on=st.booleans())
    def an_order_hangs_in_its_trigger(self, who, side, size, reduce_only, long, goes_on) -> None:
        self.triggers_hang(True)
        above = 1 if side == "BUY" else -1
        changes = {"quantity": lots(size), "trigger_price": price_at(self.middle + above)}
        self._send(who, long, side=side, reduce_only=reduce_only, **changes)
        self.trade(above, size, side == "SELL")
        self.triggers_hang(not goes_on)

    @rule(notional=st.sampled_from([50, 1_000]))
    def a_filter_changes(self, notional: int) -> None:
        self._both(lambda engine: engine.change_filters(BTC, notional_min=Decimal(notional)))

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
