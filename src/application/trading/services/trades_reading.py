"""The trades of an account that are not confirmed yet, page by page, and which of them can be booked at once."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from src.application.ports.broker import Broker
from src.domain.decisions.exchange import may_be_of
from src.domain.decisions.opening import opened_ms
from src.domain.ledger.state import Ledger, PositionKey
from src.domain.market.sides import OrderSide, trade_half
from src.domain.orders.news import FillReport

Trades = tuple[list[FillReport], dict[str, int]]
"""Every trade that is not confirmed yet, and the highest id of each symbol that can be."""
LATE_TRADES_MS: Final = 60_000
"""How late a trade may show up in the list of trades."""


def traded_symbols(ledger: Ledger, symbols: Iterable[str]) -> tuple[str, ...]:
    """``symbols``, and every other that the ledger has traded."""
    return tuple(dict.fromkeys((*symbols, *ledger.symbols, *(o.symbol for o in ledger.orders.values()))))


def unnamed(ledger: Ledger, fills: Iterable[FillReport]) -> tuple[tuple[str, int], ...]:
    """Symbol and id of the orders of new trades that nobody knows yet, and that may be ours.

    That of a stop that has triggered has an id that only its trades tell, and so has one of unknown outcome.
    """
    nameless = [order for order in ledger.orders.values() if order.exchange_order_id is None]
    keys = (
        (fill.symbol, fill.exchange_order_id)
        for fill in fills
        if not is_booked(ledger, fill) and any(may_be_of(order, fill) for order in nameless)
    )
    return tuple(dict.fromkeys(key for key in keys if key not in ledger.order_ids))


def of_orders_at_work(
    ledger: Ledger, fills: Iterable[FillReport], named: Collection[tuple[str, int]] = ()
) -> tuple[FillReport, ...]:
    """New trades of orders that are not settled, or ``named``: whose they are is known, whatever else is not.

    What a position costs depends on the order of its trades, unless all of them make it larger: behind one that is not
    known yet, none is among them that does not.
    """
    found: list[FillReport] = []
    waiting: set[PositionKey] = set()
    sides: dict[PositionKey, set[OrderSide]] = {}
    for fill in fills:
        if is_booked(ledger, fill):
            continue
        key = (fill.symbol, fill.position_side)
        held = ledger.positions.get(key)
        so_far = sides.setdefault(key, set() if held is None or held.is_flat else {held.side})
        so_far.add(fill.side)
        order = (fill.symbol, fill.exchange_order_id)
        is_known = order in named or ledger.order_ids.get(order) in ledger.orders
        if is_known and (key not in waiting or len(so_far) == 1):
            found.append(fill)
        else:
            waiting.add(key)
    return tuple(found)


def _half(fill: FillReport) -> int:
    return trade_half(fill.trade_id, fill.side)


def is_booked(ledger: Ledger, fill: FillReport) -> bool:
    """Whether the trade is booked, and was not compared yet."""
    return _half(fill) in ledger.symbol(fill.symbol).trade_halves


def nobody(fills: tuple[FillReport, ...]) -> None:
    """Wants to know of trades before all are read."""


async def read_trades(
    broker: Broker,
    ledger: Ledger,
    symbols: Sequence[str],
    silent_ms: dict[str, int] | None = None,
    heard: Callable[[tuple[FillReport, ...]], None] = nobody,
) -> Trades:
    """Every trade after the last confirmed one, page by page, for each symbol; and the highest confirmed id of each.

    ``silent_ms`` is up to when a symbol without trades was looked at, venue time; it is kept for the next read. After
    each page ``heard`` is told what is read of its symbol by then.

    Where reads may lag, an earlier trade may show up behind the newest ones: those are not confirmed before their time.
    """
    silent_ms = {} if silent_ms is None else silent_ms
    fills: list[FillReport] = []
    confirmed: dict[str, int] = {}
    prompt = broker.consistency.read_your_writes
    until_ms = None if prompt else broker.venue_time().now_ms - LATE_TRADES_MS
    for symbol in symbols:
        page = await _first_page(broker, ledger, symbol, silent_ms)
        read: set[int] = set()
        begun = len(fills)
        while page:
            fills += page
            heard(tuple(fills[begun:]))
            old = [fill.trade_id for fill in page if until_ms is None or fill.traded_ms <= until_ms]
            confirmed |= {symbol: max(old)} if old else {}
            # A trade of the account with itself is two rows of one id, and a page may have ended between them.
            read.update(map(_half, page))
            rest = await broker.trades(symbol, max(fill.trade_id for fill in page))
            page = [fill for fill in rest if _half(fill) not in read]
    return fills, confirmed


async def _first_page(
    broker: Broker, ledger: Ledger, symbol: str, silent_ms: dict[str, int]
) -> list[FillReport]:
    """The first trades that are not confirmed yet; those from before the books were opened are not ours to book."""
    last = ledger.symbol(symbol).confirmed_trade_id
    since_ms = None if last else opened_ms(ledger)
    if since_ms is None:
        return await broker.trades(symbol, last + 1)
    since_ms = max(since_ms, silent_ms.get(symbol, 0))
    page = await broker.first_trades(symbol, since_ms)
    if not page:
        silent_ms[symbol] = max(since_ms, broker.venue_time().now_ms - LATE_TRADES_MS)
    return page
