"""Market frames, as the session reads them: the shape only, whoever decoded them.

A frame is handed over as it came and never kept beyond the call, so that no value object is made for a frame that
nobody decides on. Prices are quote asset per base asset, quantities base asset, times ms since the epoch (UTC).
"""

from decimal import Decimal
from typing import Protocol

Levels = list[tuple[str, str]]


class TickerFrame(Protocol):
    """The best bid and ask after one update of the book."""

    symbol: str
    bid_price: Decimal
    bid_quantity: Decimal
    ask_price: Decimal
    ask_quantity: Decimal
    update_id: int
    event_ms: int


class TradeFrame(Protocol):
    """One public trade."""

    symbol: str
    price: Decimal
    quantity: Decimal
    event_ms: int


class PointFrame(TickerFrame, TradeFrame, Protocol):
    """A quote and the public trade right after it, of a market that has no other frames."""


class DepthFrame(Protocol):
    """Changed levels of the book."""

    symbol: str
    first_update_id: int
    final_update_id: int
    previous_final_update_id: int
    bids: Levels
    asks: Levels
    event_ms: int


class SnapshotFrame(Protocol):
    """The whole visible book."""

    symbol: str
    last_update_id: int
    bids: Levels
    asks: Levels


class MarkFrame(Protocol):
    """Mark price of a symbol."""

    symbol: str
    mark_price: Decimal
    event_ms: int


class MarketSink(Protocol):
    """Where market frames go; ``now_ms`` is session time."""

    def on_ticker(self, frame: TickerFrame, now_ms: int) -> None:
        """Best prices."""
        ...

    def on_trade(self, frame: TradeFrame, now_ms: int) -> None:
        """A public trade."""
        ...

    def on_point(self, frame: PointFrame, now_ms: int) -> None:
        """Best prices, and a public trade after them."""
        ...

    def on_depth(self, frame: DepthFrame, now_ms: int) -> None:
        """Changed levels."""
        ...

    def on_snapshot(self, frame: SnapshotFrame, now_ms: int) -> None:
        """The whole book."""
        ...

    def on_mark_price(self, frame: MarkFrame, now_ms: int) -> None:
        """The mark price."""
        ...
