"""A paper account with a long history and many open orders, made by trading; and a market that it can be resumed on.

Half of the open orders are older than the history, half are younger: what is open says nothing about its age. The
account is traded through the product's own session, exchange and files, and its process is killed without a word.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from benchmarks.quotes import (
    BURST_EVERY_MS,
    MIDDLE_TICKS,
    START_MS,
    TICKS_PER_UNIT,
    mark_message,
    snapshot_message,
)
from benchmarks.trading import REST_MS, STRATEGY, SYMBOL, WAIT_MS, entry, leave, place, unthrottled
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper import paper_parts
from src.bootstrap.paper_config import PaperConfig
from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide
from src.domain.money import use_money_context
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose
from src.infrastructure.market_data.decoding import decode_message
from src.infrastructure.market_data.frames import MarketFrame
from src.infrastructure.market_data.instruments import shipped_instrument
from src.infrastructure.market_data.source import OnFrame, SourceStatistics
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import create_sqlite
from tests.application.trading.sessions import pass_time

RESTING: Final = ("ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT")
"""At Binance a symbol takes two hundred open orders."""
SYMBOLS: Final = (SYMBOL, *RESTING)
MARKET_ID: Final = "recovery"
FAR_TICKS: Final = MIDDLE_TICKS // 30
"""How far from the market the open orders rest, each at a price of its own: no rule takes them for one."""
FILLS_OF_A_TRIP: Final = 2

Timed = tuple[int, str, bytes]


class StillMarket:
    """A MarketSource without end whose prices step to and fro; it is resumed at any place at once.

    Every symbol has the filters and the prices of the traded one.
    """

    def __init__(self) -> None:
        instrument = shipped_instrument(SYMBOL)
        assert instrument is not None, "the shipped table has the symbol"
        self.instruments: Mapping[str, Instrument] = {
            symbol: replace(instrument, symbol=symbol) for symbol in SYMBOLS
        }
        self.symbols = SYMBOLS
        self.description = "a market that stands still"
        self.start_ns = START_MS * 1_000_000
        self.statistics = SourceStatistics()
        self._taken = 0
        self._frames = self._frames_from(0)
        self._next: Timed = next(self._frames)

    @property
    def next_ns(self) -> int | None:
        """Receive time of the next frame."""
        return self._next[0]

    def next_frame(self, by_ns: int | None = None) -> MarketFrame | None:
        """The next frame; None when it comes later than ``by_ns``."""
        received_ns, symbol, message = self._next
        if by_ns is not None and received_ns > by_ns:
            return None
        self._taken += 1
        self._next = next(self._frames)
        return (received_ns, 0, self._taken, decode_message(message, symbol=symbol))

    def cursor(self) -> str:
        """The count of frames taken."""
        return str(self._taken)

    def catch_up(self, cursor: str, on_frame: OnFrame) -> int:
        """Show the books and the last burst; what lies before it left nothing behind."""
        taken = int(cursor)
        for _ in SYMBOLS[:taken]:
            self._show(on_frame)
        self._resume(max(self._taken, taken - 2 * len(SYMBOLS)))
        while self._taken < taken:
            self._show(on_frame)
        return self._taken

    def _show(self, on_frame: OnFrame) -> None:
        frame = self.next_frame()
        assert frame is not None, "the market has no end"
        on_frame(frame)

    def _resume(self, taken: int) -> None:
        """Go to a place, which is the beginning or one behind the snapshots."""
        self._taken = taken
        self._frames = self._frames_from(taken)
        self._next = next(self._frames)

    def _frames_from(self, taken: int) -> Iterator[Timed]:
        for symbol in SYMBOLS[taken:]:
            yield self.start_ns, symbol, snapshot_message()
        burst, place = divmod(max(0, taken - len(SYMBOLS)), 2 * len(SYMBOLS))
        while True:
            burst += 1
            yield from list(_burst(burst))[place:]
            place = 0

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """Nobody warms up here."""
        return []

    def close(self) -> None:
        """Nothing is open."""


def _burst(number: int) -> Iterator[Timed]:
    """Mark price and quote of every symbol."""
    at_ms = START_MS + number * BURST_EVERY_MS - 500
    for symbol in SYMBOLS:
        yield at_ms * 1_000_000, symbol, mark_message(symbol, at_ms)
    bid = MIDDLE_TICKS + number * 7 % 17 - 8
    for nth, symbol in enumerate(SYMBOLS):
        yield (
            at_ms * 1_000_000,
            symbol,
            (
                f'{{"e":"bookTicker","u":{5_123_107_839_020 + number * len(SYMBOLS) + nth},"s":"{symbol}",'
                f'"b":"{_price(bid)}","B":"5.000","a":"{_price(bid + 1)}","A":"5.000","T":{at_ms},"E":{at_ms}}}'
            ).encode(),
        )


def _price(ticks: int) -> Decimal:
    return Decimal(ticks) / TICKS_PER_UNIT


def config_in(folder: Path) -> PaperConfig:
    """The session of the account in ``folder``; nothing is synced."""
    return replace(unthrottled(folder), symbols=SYMBOLS)


def runner_in(config: PaperConfig) -> SessionRunner:
    """A session of the account, new or with the past that its files hold; it is not started."""
    with closing(SqliteReadModels(config.database)) as reads:
        accounts = reads.accounts()
    return SessionRunner(paper_parts(config, lambda _: StillMarket(), MARKET_ID, accounts))


async def make_account(folder: Path, fills: int, open_orders: int) -> None:
    """Trade so many fills in an empty ``folder``; at the end a position with its stop and target is held as well.

    The files stay open: the process is meant to be killed. Raises RuntimeError where the account comes out otherwise.
    """
    use_money_context()
    config = config_in(folder)
    create_sqlite(config.database)
    runner = runner_in(config)
    await runner.start()
    await pass_time(runner.loop, BURST_EVERY_MS)
    older = open_orders // 2
    await _rest_orders(runner, older)
    for number in range(fills // FILLS_OF_A_TRIP):
        await _enter(runner, number)
        await leave(runner)
        await pass_time(runner.loop, REST_MS)
        if runner.loop.reconcile_wanted:
            await runner.reconcile()
    await _rest_orders(runner, open_orders - older)
    await _enter(runner, 0)
    resting = sum(1 for order in runner.loop.ledger.orders.values() if order.ticket.symbol in RESTING)
    if resting != open_orders:
        raise RuntimeError(f"{resting} orders are open, not {open_orders}")


async def _rest_orders(runner: SessionRunner, count: int) -> None:
    """Place entries that nothing will fill, all around the market."""
    for number in range(count):
        side = (OrderSide.BUY, OrderSide.SELL)[number % 2]
        away = FAR_TICKS + number
        price = _price(MIDDLE_TICKS + (away if side is OrderSide.SELL else -away))
        symbol = RESTING[number % len(RESTING)]
        ticket = OrderTicket(
            symbol, side, OrderType.LIMIT, Decimal("0.002"), Purpose.ENTRY, STRATEGY, price, price
        )
        await place(runner, ticket)
        if number % len(RESTING) == 0:
            await pass_time(runner.loop, WAIT_MS)
    await pass_time(runner.loop, REST_MS)


async def _enter(runner: SessionRunner, number: int) -> None:
    await place(runner, entry(runner, number))
    await pass_time(runner.loop, WAIT_MS)
