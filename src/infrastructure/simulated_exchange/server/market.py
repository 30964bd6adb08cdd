"""All symbols as the public sees them: frames in, streams and the REST answers' material out."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from src.infrastructure.market_data.frames import MarketFrame, one_by_one
from src.infrastructure.simulated_exchange.server import market_wire
from src.infrastructure.simulated_exchange.server.hub import StreamHub
from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.server.symbol_view import SymbolView

TICK_S: Final = 0.05
"""The beat of everything that streams publish periodically."""


class PublicMarket:
    """The views of all symbols, and the streams that show many symbols at once."""

    def __init__(self, hub: StreamHub, views: Iterable[SymbolView], funding_interval_ms: int) -> None:
        self._hub = hub
        self._funding_ms = funding_interval_ms
        self._next_funding_ms = 0
        self.fundings: list[dict[str, Any]] = []
        self.views: Mapping[str, SymbolView] = {view.symbol: view for view in views}
        self._ticks = 0
        self._seen: dict[str, int] = {}

    def view(self, symbol: str) -> SymbolView:
        """The view of a symbol (-1121)."""
        found = self.views.get(symbol)
        if found is None:
            raise refuse(-1121)
        return found

    def take(self, frame: MarketFrame) -> None:
        """Let the frame's symbol learn from it and tell its listeners."""
        view = self.views.get(frame[3].symbol)
        if view is not None:
            for event in one_by_one(frame[3]):
                view.take(event)

    def warm(self, frame: MarketFrame) -> None:
        """Let the frame's symbol learn from one of the time before the server's start; nobody is told."""
        view = self.views.get(frame[3].symbol)
        if view is not None:
            for event in one_by_one(frame[3]):
                view.warm(event)

    def tick(self, now_ms: int) -> None:
        """Publish what is due; to be called every 50 ms."""
        self._ticks += 1
        number = self._ticks
        for view in self.views.values():
            view.tick(number, now_ms)
        if number % 20 == 0:
            self._note_funding(now_ms)
            self._tell_all(number, now_ms)
        self._hub.flush()

    def force_order(self, symbol: str, payload: str) -> None:
        """Publish a liquidation."""
        self._hub.publish(f"{symbol.lower()}@forceOrder", payload)
        self._hub.publish("!forceOrder@arr", payload)

    def contract_info(self, symbol: str, status: str, now_ms: int) -> None:
        """Publish that a symbol has another status."""
        self._hub.publish("!contractInfo", market_wire.contract_info(symbol, status, now_ms))
        self._hub.flush()

    def _note_funding(self, now_ms: int) -> None:
        """Remember rate and mark price of each funding time that passes."""
        if self._next_funding_ms and now_ms >= self._next_funding_ms:
            for view in self.views.values():
                if view.mark is not None:
                    self.fundings.append(
                        {
                            "symbol": view.symbol,
                            "fundingTime": self._next_funding_ms,
                            "fundingRate": str(view.mark.funding_rate),
                            "markPrice": str(view.mark.mark_price),
                            "rateType": "Regular",
                        }
                    )
        self._next_funding_ms = (now_ms // self._funding_ms + 1) * self._funding_ms

    def _tell_all(self, number: int, now_ms: int) -> None:
        views = self.views.values()
        for stream, every in (("!markPrice@arr@1s", 20), ("!markPrice@arr", 60)):
            if self._hub.wants(stream) and number % every == 0:
                marks = [
                    market_wire.mark_price(view.mark, now_ms)
                    for view in views
                    if view.mark is not None and not view.is_unknown
                ]
                self._hub.publish(stream, f"[{','.join(marks)}]")
        if self._hub.wants("!ticker@arr") or self._hub.wants("!miniTicker@arr"):
            self._tell_tickers(now_ms)
        if number % 100 == 0 and self._hub.wants("!bookTicker"):
            for view in views:
                if view.ticker is not None:
                    self._hub.publish("!bookTicker", market_wire.book_ticker(view.ticker))

    def _tell_tickers(self, now_ms: int) -> None:
        """The symbols that traded since the last time."""
        full, mini = [], []
        for view in self.views.values():
            day = view.bars.day(now_ms)
            if day is not None and self._seen.get(view.symbol) != day.last_id:
                self._seen[view.symbol] = day.last_id
                full.append(market_wire.ticker(view.symbol, day, now_ms))
                mini.append(market_wire.mini_ticker(view.symbol, day, now_ms))
        if full:
            self._hub.publish("!ticker@arr", f"[{','.join(full)}]")
            self._hub.publish("!miniTicker@arr", f"[{','.join(mini)}]")
