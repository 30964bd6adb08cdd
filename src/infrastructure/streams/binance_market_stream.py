"""Public market streams: best prices, trades, mark prices and a whole order book, for some symbols.

Since April 2026 streams are routed: books and tickers under /public, trades and mark prices under /market; a stream
asked for at the wrong place is silent. The streams stand in the URL, so a new connection subscribes by itself. A book
is made as :mod:`book_of_a_stream` says, and asked for again where it breaks. A connection that ends is made anew for as
long as the stream is open, and so is one that says nothing for half a minute though it stands: a stream may fall silent
without an error. That quotes are old meanwhile is for whoever trades on them to see.
Source: notice of 2026-03-05 on stream URLs.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from src.application.ports.broker import BrokerError
from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_endpoints import DEPTH
from src.infrastructure.market_data.decoding import BadLine, decode_message
from src.infrastructure.market_data.frames import DepthSnapshot, DepthUpdate, MarketEvent
from src.infrastructure.streams.book_of_a_stream import StreamedBook
from src.infrastructure.streams.ending import end_tasks

OnFrame = Callable[[MarketEvent], None]
OnGap = Callable[[str], None]
OnTrades = Callable[[bool], None]

PUBLIC: Final = ("bookTicker", "depth@100ms")
MARKET: Final = ("aggTrade", "markPrice@1s")
SNAPSHOT_LEVELS: Final = 500
BACKOFF_S: Final = (0.25, 10.0)
FIRST_EVENT_S: Final = 0.25
"""How long a book waits for its first event: a snapshot from before it would have to be asked for again. Where less
happens, a session would be without a book for longer than it is worth."""
SILENCE_S: Final = 30.0
BAD_TOLD_AGAIN_S: Final = 60.0
_ENDS: Final = (OSError, TimeoutError, WebSocketException)
_LOG = logging.getLogger("steadyhand.market")


def _tell_nobody(*news: object) -> None:
    """For those who do not ask."""


class BinanceMarketStream:
    """Frames of ``symbols`` handed to ``on_frame`` as they come, after :meth:`open`.

    ``uniform`` keeps the tries of many programs from falling into step. ``on_gap`` hears of a symbol whose book is not
    known from now on until its next DepthSnapshot, ``on_trades`` whether trades are heard from now on. ``silence_s`` is
    how long a connection may say nothing. ``links`` says of each connection, by its route, why it is not there; None
    while it stands.
    """

    def __init__(
        self,
        client: BinanceClient,
        ws_url: str,
        symbols: Iterable[str],
        on_frame: OnFrame,
        uniform: Callable[[float, float], float] = random.uniform,
        *,
        on_gap: OnGap = _tell_nobody,
        on_trades: OnTrades = _tell_nobody,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._client = client
        self._uniform = uniform
        self._ws_url = ws_url.rstrip("/")
        self._symbols = tuple(symbols)
        self._on_frame = on_frame
        self._on_gap = on_gap
        self._on_trades = on_trades
        self._silence_s = silence_s
        self._books = {symbol: StreamedBook() for symbol in self._symbols}
        self._tasks: set[asyncio.Task[None]] = set()
        self.links: dict[str, str | None] = {}
        self.bad_messages = 0
        self._bad_told_s = -BAD_TOLD_AGAIN_S
        self.resyncs = 0

    async def open(self) -> None:
        """Begin to listen; returns at once."""
        self._start(self._listen("public", PUBLIC))
        self._start(self._listen("market", MARKET))

    async def close(self) -> None:
        """End every connection."""
        await end_tasks(self._tasks)
        self._tasks.clear()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, route: str, kinds: tuple[str, ...]) -> None:
        streams = "/".join(f"{symbol.lower()}@{kind}" for symbol in self._symbols for kind in kinds)
        failures = 0
        while True:
            try:
                async with connect(
                    f"{self._ws_url}/{route}/stream?streams={streams}",
                    compression=None,
                    proxy=None,
                    max_size=1 << 22,
                    max_queue=1024,
                ) as socket:
                    failures = 0
                    self._note_link(route, None)
                    if route == "public":
                        self._forget_books()
                    await self._read(socket)
            except Exception as error:  # noqa: BLE001 - whatever ends a connection, there has to be another
                if not isinstance(error, _ENDS):
                    _LOG.exception("market.reading_failed", extra={"route": route})
                failures += 1
                self._note_link(route, type(error).__name__)
                await asyncio.sleep(_longest_pause(failures) * self._uniform(0.5, 1.0))

    def _note_link(self, route: str, problem: str | None) -> None:
        """Log a change, not every try."""
        before = self.links.get(route)
        self.links[route] = problem
        if route == "market" and (problem is None or before is None):
            self._on_trades(problem is None)
        if problem is not None and before is None:
            _LOG.warning("market.connection_lost", extra={"route": route, "reason": problem})
        elif problem is None and before is not None:
            _LOG.info("market.connection_back", extra={"route": route})

    def _note_bad(self) -> None:
        """Count what cannot be read, and say so now and then."""
        self.bad_messages += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._bad_told_s >= BAD_TOLD_AGAIN_S:
            self._bad_told_s = now_s
            _LOG.warning("market.bad_messages", extra={"count": self.bad_messages})

    async def _read(self, socket: ClientConnection) -> None:
        """Take messages until the connection ends; raises what ended it, TimeoutError for its silence."""
        clock = asyncio.get_running_loop().time
        async with asyncio.timeout(self._silence_s) as patience:
            while True:
                self._take(await socket.recv(decode=False))
                patience.reschedule(clock() + self._silence_s)

    def _take(self, message: bytes) -> None:
        try:
            event = decode_message(message)
        except BadLine:
            self._note_bad()
            return
        if isinstance(event, DepthUpdate):
            self._take_depth(event)
        else:
            self._on_frame(event)

    # --- the book -------------------------------------------------------------------------------------------

    def _forget_books(self) -> None:
        """After a gap every book begins anew."""
        for symbol in self._symbols:
            self._books[symbol].forget()
            self._resync(symbol)

    def _resync(self, symbol: str) -> None:
        book = self._books[symbol]
        book.lose(asyncio.get_running_loop().time())
        self._on_gap(symbol)
        if not book.is_asking:
            book.is_asking = True
            self._start(self._ask_for_book(symbol))

    async def _ask_for_book(self, symbol: str) -> None:
        book, clock = self._books[symbol], asyncio.get_running_loop().time
        await book.heard(FIRST_EVENT_S)
        while True:
            await asyncio.sleep(book.next_pause_s())
            snapshot = await self._snapshot(symbol)
            ready = None if snapshot is None else book.begin(snapshot, clock())
            if snapshot is not None and ready is not None:
                break
        book.is_asking = False
        self._on_frame(snapshot)
        for event in ready:
            self._on_frame(event)

    async def _snapshot(self, symbol: str) -> DepthSnapshot | None:
        """The book as REST tells it; None when there is no answer, or none that can be read."""
        try:
            answer = await self._client.read(DEPTH, {"symbol": symbol, "limit": SNAPSHOT_LEVELS})
            return msgspec.convert(
                {
                    "symbol": symbol,
                    "last_update_id": answer["lastUpdateId"],
                    "bids": answer["bids"],
                    "asks": answer["asks"],
                    "transaction_ms": answer["T"],
                    "event_ms": answer["E"],
                },
                DepthSnapshot,
            )
        except BrokerError:
            return None
        except (LookupError, TypeError, msgspec.ValidationError):
            self._note_bad()
            return None

    def _take_depth(self, event: DepthUpdate) -> None:
        book = self._books.get(event.symbol)
        if book is None:
            return
        if book.last_update_id is None:
            book.hold(event)
        elif book.join(event):
            self._on_frame(event)
        elif event.final_update_id > book.last_update_id:
            self.resyncs += 1
            book.hold(event)
            self._resync(event.symbol)


def _longest_pause(failures: int) -> float:
    """Seconds before the next try, to be cut by chance: twice as long each time, within bounds."""
    shortest, longest = BACKOFF_S
    return min(longest, shortest * float(1 << min(failures, 10)))
