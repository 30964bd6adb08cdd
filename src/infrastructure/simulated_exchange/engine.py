"""The exchange without its wires: market frames and requests in, answers and user-stream events out.

No clock, no chance, no I/O but its own file; two runs over the same frames and requests are equal to the last
byte. Every call that changed something durable commits before it returns, unless a hold lets several share a commit,
and only then does :meth:`Engine.take_events` tell what it caused. A request that is refused raises
:class:`ExchangeError` and has changed nothing. After a failed commit the engine answers no more
(:class:`ExchangeStopped`): memory may be ahead of the file, and the file is the truth.
"""

from decimal import Decimal

from src.infrastructure.market_data.frames import BarPoint, MarketFrame, TradePrint
from src.infrastructure.simulated_exchange import answers, event_writer, firing, making
from src.infrastructure.simulated_exchange.accounts import Account
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.engine_hands import EngineHands
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import to_units


class Engine(EngineHands):
    """One exchange with any number of accounts, over one file.

    ``cursor`` is asked at each commit how far the market has been read; what it says is stored with the commit and
    handed out by :attr:`committed_cursor` after a restart. Raises :class:`ExchangeFailure` when the file holds
    positions or orders of symbols that are not among ``instruments``.
    """

    # --- accounts -----------------------------------------------------------------------------------------

    def create_account(self, number: int, account_id: str) -> None:
        """Open an account; ``account_id`` is the caller's, random, and kept for good. ValueError if it exists."""
        if number in self._state.accounts:
            raise ValueError(f"account {number} exists")
        self._state.accounts[number] = Account(number, account_id)
        self._state.changes.state = True
        self._commit()

    def deposit(self, number: int, asset: str, amount: Decimal) -> Answer:
        """Put money into a wallet, or take it out with an amount below zero; answer the income row (TRANSFER)."""
        account = self._account(number)
        units = to_units(amount)
        self._state.book(account, "TRANSFER", units, asset)
        row = answers.income(self._state.changes.postings[-2])
        reason = "DEPOSIT" if units >= 0 else "WITHDRAW"
        event_writer.tell_account(self._state, account, reason, asset, balance_change=units)
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
        state, kind, at_ms = self._state, type(event), event.event_ms
        acted = False
        if at_ms >= self._wake_ms:
            acted = self._run_due(at_ms, may_rest=kind is BarPoint)
        elif at_ms > state.now_ms:
            state.now_ms = at_ms
        if kind is not TradePrint:
            market.show(frame)
            if self._rests and (type(event) is not BarPoint or event.ask_price > market.calm_below):
                self._look_soon()
            if market.mark_triggers.has_waiting:
                self._watch_mark(market)
                acted = True
        if type(event) is BarPoint or type(event) is TradePrint:
            if (market.resting_buys or market.resting_sells) and market.is_trading:
                making.meet_print(state, market, event, frame[1], frame[2])
                acted = True
            market.last_price = price = event.price
            triggers = market.contract_triggers
            if price >= triggers.next_rising or price <= triggers.next_falling:
                firing.fire_due(state, market, triggers, price)
                self._look_soon()
                acted = True
        # After a failed commit no frame may pass as one that changed nothing.
        return (acted or self._failed) and self._commit_changes()

    def warm(self, frame: MarketFrame) -> None:
        """Show a frame that was worked off before the last commit: only the book learns from it."""
        event = frame[3]
        market = self._markets.get(event.symbol)
        if market is not None:
            market.show(frame)
            if isinstance(event, BarPoint):
                market.last_price = event.price

    def advance_time(self, now_ms: int) -> bool:
        """Move engine time forward without a frame; return whether something fell due."""
        if now_ms >= self._wake_ms:
            self._run_due(now_ms)
        elif now_ms > self._state.now_ms:
            self._state.now_ms = now_ms
        return self._commit_changes()

    def _watch_mark(self, market: SymbolMarket) -> None:
        mark = market.stated_mark()
        triggers = market.mark_triggers
        if mark is not None and (mark >= triggers.next_rising or mark <= triggers.next_falling):
            firing.fire_due(self._state, market, triggers, mark)
            self._look_soon()
