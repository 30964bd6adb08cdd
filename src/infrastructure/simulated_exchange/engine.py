"""The exchange without its wires: market frames and requests in, answers and user-stream events out.

No clock, no chance, no I/O but its own file; two runs over the same frames and requests are equal to the last
byte. Every call that changed something durable commits before it returns, and only then can
:meth:`Engine.take_events` see what it caused. A request that is refused raises :class:`ExchangeError` and has
changed nothing. After a failed commit the engine answers no more (:class:`ExchangeStopped`): memory may be ahead
of the file, and the file is the truth.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import MarketFrame, TradePrint
from src.infrastructure.simulated_exchange import (
    answers,
    checks,
    clockwork,
    event_writer,
    firing,
    making,
    modifying,
    placing,
    queries,
    settings,
    snapshot,
)
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.engine_reads import EngineReads
from src.infrastructure.simulated_exchange.errors import ExchangeStopped, refusal
from src.infrastructure.simulated_exchange.records import CROSSED, Account, OrderRequest, UserEvent
from src.infrastructure.simulated_exchange.rules import ExchangeRules, SymbolRules
from src.infrastructure.simulated_exchange.state import Changes, ExchangeState
from src.infrastructure.simulated_exchange.store import ExchangeStore
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import to_units


def _no_cursor() -> str:
    """A market without a place to come back to."""
    return ""


class Engine(EngineReads):
    """One exchange with any number of accounts, over one file.

    ``cursor`` is asked at each commit how far the market has been read; what it says is stored with the commit and
    handed out by :attr:`committed_cursor` after a restart. Raises :class:`ExchangeFailure` when the file holds
    positions or orders of symbols that are not among ``instruments``.
    """

    def __init__(
        self,
        store: ExchangeStore,
        instruments: Iterable[Instrument],
        *,
        rules: ExchangeRules | None = None,
        cursor: Callable[[], str] = _no_cursor,
    ) -> None:
        self._store = store
        self._cursor = cursor
        self._events: list[UserEvent] = []
        self._failed = False
        self._is_held = False
        self.instruments = tuple(instruments)
        markets = {one.symbol: SymbolMarket(SymbolRules.of(one)) for one in self.instruments}
        self._state = ExchangeState(rules or ExchangeRules(), markets)
        self._markets = self._state.markets
        self._wake_ms = 0
        self.committed_cursor = ""
        saved = store.snapshot()
        if saved is not None:
            snapshot.restore(self._state, saved, store.open_orders(), store.open_algos())
            self.committed_cursor = saved["cursor"]
            self._wake_ms = clockwork.next_due_ms(self._state)

    # --- accounts -----------------------------------------------------------------------------------------

    def create_account(self, number: int, account_id: str) -> None:
        """Open an account; ``account_id`` is the caller's, random, and kept for good. ValueError if it exists."""
        if number in self._state.accounts:
            raise ValueError(f"account {number} exists")
        self._state.accounts[number] = Account(number, account_id)
        self._state.changes.state = True
        self._commit()

    def deposit(self, number: int, asset: str, amount: Decimal) -> Answer:
        """Put money into a wallet; answer the income row (TRANSFER)."""
        account = self._account(number)
        units = to_units(amount)
        self._state.book(account, "TRANSFER", units, asset)
        row = answers.income(self._state.changes.postings[-2])
        event_writer.tell_account(self._state, account, "DEPOSIT", asset, balance_change=units)
        self._commit()
        return row

    def open_stream(self, number: int) -> int:
        """Count one more user stream; return its number."""
        self._account(number)
        self._state.counters.stream += 1
        self._state.changes.state = True
        self._commit()
        return self._state.counters.stream

    # --- the market ---------------------------------------------------------------------------------------

    def on_frame(self, frame: MarketFrame) -> bool:
        """Take one market frame; return whether it changed anything durable. Unknown symbols are skipped."""
        event = frame[3]
        market = self._markets.get(event.symbol)
        if market is None:
            return False
        state = self._state
        if event.event_ms > state.now_ms:
            state.now_ms = event.event_ms
            if event.event_ms >= self._wake_ms:
                self._run_due()
        if type(event) is TradePrint:
            if market.resting_buys or market.resting_sells:
                making.meet_print(state, market, event, frame[1], frame[2])
            market.last_price = price = event.price
            triggers = market.contract_triggers
            if price >= triggers.next_rising or price <= triggers.next_falling:
                firing.fire_due(state, market, triggers, price)
        else:
            market.show(frame)
            if market.mark_triggers:
                self._watch_mark(market)
        if state.changes:
            self._commit()
            return True
        return False

    def warm(self, frame: MarketFrame) -> None:
        """Show a frame that was worked off before the last commit: only the book learns from it."""
        market = self._markets.get(frame[3].symbol)
        if market is not None:
            market.show(frame)

    def advance_time(self, now_ms: int) -> bool:
        """Move engine time forward without a frame; return whether something fell due."""
        if now_ms > self._state.now_ms:
            self._state.now_ms = now_ms
            if now_ms >= self._wake_ms:
                self._run_due()
        return self._commit_changes()

    def checkpoint(self) -> None:
        """Commit as it stands, with the market's present cursor."""
        self._state.changes.state = True
        self._commit()

    def hold(self) -> None:
        """Let what follows share one commit: until :meth:`release`, no answer is durable, no event is handed out."""
        self._is_held = True

    def release(self) -> bool:
        """End a hold and commit what it covered; return whether there was anything."""
        self._is_held = False
        return self._commit_changes()

    def memory(self) -> snapshot.Snapshot:
        """What the next commit would store beside its rows; two engines that go on alike have equal ones."""
        return snapshot.take(self._state, self.committed_cursor)

    def take_events(self) -> list[UserEvent]:
        """What has happened since the last time, in order; all of it is durable."""
        events = self._events
        self._events = []
        return events

    # --- orders -------------------------------------------------------------------------------------------

    def new_order(self, number: int, request: OrderRequest) -> Answer:
        """POST order."""
        return self._answer(placing.place(self._state, self._account(number), request))

    def new_algo_order(self, number: int, request: OrderRequest) -> Answer:
        """POST algoOrder: STOP_MARKET or TAKE_PROFIT_MARKET."""
        return self._answer(placing.place_algo(self._state, self._account(number), request))

    def modify_order(
        self,
        number: int,
        symbol: str,
        quantity: Decimal,
        price: Decimal,
        timestamp: int,
        *,
        recv_window: int = 5000,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> Answer:
        """PUT order: another price and total quantity of a resting limit order."""
        checks.check_timestamp(self._state, timestamp, recv_window)
        account = self._account(number)
        order = modifying.modifiable(self._state, account, symbol, order_id, client_order_id)
        return self._answer(modifying.modify(self._state, account, order, quantity, price))

    def cancel_order(
        self, number: int, symbol: str, order_id: int | None = None, client_order_id: str | None = None
    ) -> Answer:
        """DELETE order, by either id."""
        account = self._account(number)
        return self._answer(placing.cancel(self._state, account, symbol, order_id, client_order_id))

    def cancel_algo_order(
        self, number: int, algo_id: int | None = None, client_algo_id: str | None = None
    ) -> Answer:
        """DELETE algoOrder, by either id; -2011 for one that has ended, -2013 for one that never was."""
        account = self._account(number)
        answer = placing.cancel_algo(self._state, account, algo_id, client_algo_id)
        if answer is None:
            queries.algo_order(self._store, account, algo_id, client_algo_id)
            raise refusal(-2011)
        return self._answer(answer)

    def cancel_all_orders(self, number: int, symbol: str) -> Answer:
        """DELETE allOpenOrders."""
        return self._answer(placing.cancel_all(self._state, self._account(number), symbol))

    def cancel_all_algo_orders(self, number: int, symbol: str) -> Answer:
        """DELETE algoOpenOrders."""
        return self._answer(placing.cancel_all_algos(self._state, self._account(number), symbol))

    def countdown_cancel_all(self, number: int, symbol: str, countdown_ms: int) -> Answer:
        """POST countdownCancelAll: cancel the symbol's ordinary orders that far from now; 0 disarms."""
        settings.set_countdown(self._state, self._account(number), symbol, countdown_ms)
        self._wake_ms = clockwork.next_due_ms(self._state)
        return self._answer({"symbol": symbol, "countdownTime": str(countdown_ms)})

    # --- settings of an account ---------------------------------------------------------------------------

    def set_leverage(self, number: int, symbol: str, leverage: int) -> Answer:
        """POST leverage."""
        return self._answer(settings.set_leverage(self._state, self._account(number), symbol, leverage))

    def set_margin_type(self, number: int, symbol: str, margin_type: str) -> Answer:
        """POST marginType: every position is CROSSED (-4046), ISOLATED is not supported (-1020)."""
        self._account(number)
        self._state.market(symbol)
        raise refusal(-4046 if margin_type == CROSSED else -1020)

    def set_hedge_mode(self, number: int, enabled: bool) -> Answer:
        """POST positionSide/dual: every account is one-way (-4059), hedge mode is not supported (-1020)."""
        self._account(number)
        raise refusal(-1020 if enabled else -4059)

    # --- inside -------------------------------------------------------------------------------------------

    def _watch_mark(self, market: SymbolMarket) -> None:
        mark = market.stated_mark()
        triggers = market.mark_triggers
        if mark is not None and (mark >= triggers.next_rising or mark <= triggers.next_falling):
            firing.fire_due(self._state, market, triggers, mark)

    def _run_due(self) -> None:
        clockwork.run_due(self._state)
        self._wake_ms = clockwork.next_due_ms(self._state)

    def _answer(self, answer: Answer) -> Answer:
        self._commit_changes()
        return answer

    def _commit_changes(self) -> bool:
        if not self._state.changes:
            return False
        self._commit()
        return True

    def _commit(self) -> None:
        if self._failed:
            raise ExchangeStopped("an earlier commit failed")
        if self._is_held:
            return
        changes = self._state.changes
        self._failed = True
        cursor = self._cursor()
        self._store.commit(changes, snapshot.take(self._state, cursor))
        self._failed = False
        self.committed_cursor = cursor
        self._events += changes.events
        self._state.changes = Changes()
