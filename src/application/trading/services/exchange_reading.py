"""One read of the exchange: everything that can tell about a difference between it and the store, and what it shows.

Reading changes nothing on either side. What was read is merged by ``decide``; what still differs then, by position and
wallet, is said here too.
"""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Any, Final

from src.application.ports.broker import Broker
from src.application.ports.store import OrderArchive
from src.application.trading.services.trades_reading import Trades, is_booked, read_trades, traded_symbols
from src.application.trading.services.unknown_outcomes import Judgement, UnknownOutcomes
from src.application.trading.waiting import During, idle_during
from src.domain.decisions.news import ExchangeRead
from src.domain.ledger.events import DifferenceFound
from src.domain.ledger.state import Ledger
from src.domain.money import ZERO
from src.domain.orders.news import BalanceReport, FillReport, OrderReport, PositionReport
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState

POSITION: Final = "position"

SINGLY_MAX: Final = 20
"""Up to so many symbols, asking for the orders of each is lighter than for those of all."""
OTHERS_MAX: Final = 100
"""How many orders of others are asked for in one read, one question each; their older trades stay without a name."""


@dataclass(slots=True)
class Reading:
    """One read of the exchange, complete enough to merge and to compare."""

    merge: ExchangeRead
    judgement: Judgement
    positions: list[PositionReport]
    balances: list[BalanceReport]


async def read_exchange(
    broker: Broker,
    ledger: Ledger,
    store: OrderArchive,
    symbols: Sequence[str],
    *,
    at_start: bool,
    income_since_ms: int | None = None,
    unknown: UnknownOutcomes | None = None,
    past_since: Mapping[str, int] | None = None,
    all_symbols: bool = True,
    during: During = idle_during,
    trades: Callable[[Sequence[str]], Coroutine[Any, Any, Trades]] | None = None,
) -> Reading:
    """Read everything that recovery compares; changes nothing.

    ``at_start``: no request of ours is under way. Without ``income_since_ms`` income is read from the last booked.
    ``unknown`` knows the evidence of earlier reads. ``past_since`` names symbols of which every order since a moment
    (venue time) is read as well. Open orders are read for ``all_symbols``, which weighs 80 at Binance, or for each of
    ``symbols`` and the ledger's, which weighs 2. ``during`` awaits each question: the ledger may change meanwhile, and
    does not while the store is asked. ``trades`` reads those of some symbols, :func:`read_trades` if it is not given.
    """
    unknown = unknown or UnknownOutcomes(broker.consistency)
    # Absence is judged by a time from before it was looked for, at the lowest that the clock can mean.
    venue = await during(broker.server_time())
    # Trades before orders: a trade made in between belongs to an order that is read after it, and is claimed there.
    traded = traded_symbols(ledger, symbols)
    fills, confirmed = await during((trades or partial(read_trades, broker, ledger))(traded))
    past = await during(_past_orders(broker, past_since or {}))
    reports, absent = await during(_orders(broker, ledger, past, () if all_symbols else traded))
    income = await during(broker.income(_since(ledger, income_since_ms)))
    positions, balances = await during(broker.positions()), await during(broker.balances())
    others, known, strange = await _explained(broker, ledger, store, during, reports.values(), fills)
    judgement = unknown.judge(_unheard(absent), strange, venue.now_ms - venue.error_ms, at_start)
    merge = ExchangeRead(
        fills=tuple(_named(fill, others) for fill in fills),
        orders=(*reports.values(), *others.values()),
        income=tuple(income),
        dead=judgement.dead,
        lost=judgement.lost,
        vanished=judgement.vanished,
        forgotten=judgement.forgotten,
        confirmed=tuple(confirmed.items()),
        known=tuple(known),
        proofs=judgement.proofs,
    )
    return Reading(merge, judgement, positions, balances)


def _since(ledger: Ledger, income_since_ms: int | None) -> int:
    return ledger.account.income_ms if income_since_ms is None else income_since_ms


async def _past_orders(broker: Broker, since: Mapping[str, int]) -> dict[str, OrderReport]:
    """Every order of some symbols, each since a moment, ended ones included."""
    past = {}
    for symbol, since_ms in since.items():
        for report in await broker.orders(symbol, since_ms):
            past[report.client_order_id] = report
    return past


async def _orders(
    broker: Broker, ledger: Ledger, past: dict[str, OrderReport], symbols: Sequence[str]
) -> tuple[dict[str, OrderReport], list[tuple[Order, AttemptState]]]:
    """What the exchange shows of open orders, of our unsettled ones and of ``past`` ones; and what it does not show.

    The latter with what was known of them when they were asked for. No symbols, or many, are all of them.
    """
    reports: dict[str, OrderReport] = {}
    for symbol in symbols if 0 < len(symbols) <= SINGLY_MAX else (None,):
        reports |= {report.client_order_id: report for report in await broker.open_orders(symbol)}
        for report in await broker.open_algo_orders(symbol):
            reports.setdefault(report.client_order_id, report)
    absent: list[tuple[Order, AttemptState]] = []
    for order in list(ledger.orders.values()):
        if order.is_settled or order.client_order_id in reports:
            continue
        state = order.attempt_state
        found = await broker.find(order.symbol, order.client_order_id)
        if found is None:
            absent.append((order, state))
        else:
            reports[found.client_order_id] = found
    # The present is newer than the past that was read before it.
    return past | reports, [each for each in absent if each[0].client_order_id not in past]


def _unheard(absent: Iterable[tuple[Order, AttemptState]]) -> list[Order]:
    """Of what was heard while it was looked for, absence says nothing."""
    return [order for order, state in absent if order.attempt_state is state]


async def _explained(
    broker: Broker,
    ledger: Ledger,
    store: OrderArchive,
    during: During,
    reports: Collection[OrderReport],
    fills: list[FillReport],
) -> tuple[dict[tuple[str, int], OrderReport], list[Order], list[FillReport]]:
    """Orders of others that trades name, the settled ones that the news speaks of, trades that nobody can name."""
    known = await _settled(ledger, store, reports, fills)
    strange = _unexplained(ledger, known, reports, fills)
    if not strange:
        return {}, known, []
    others = await during(_others(broker, ledger, strange))
    # One of ours that was declared dead is known by its name alone, and another one may have ended meanwhile.
    reports = (*reports, *others.values())
    known = await _settled(ledger, store, reports, fills)
    return others, known, _unexplained(ledger, known, reports, fills)


def _unexplained(
    ledger: Ledger, known: Iterable[Order], reports: Iterable[OrderReport], fills: Iterable[FillReport]
) -> list[FillReport]:
    """New trades of orders that nobody can name: one of them may be of an attempt that has left no other trace."""
    named = {(r.symbol, r.exchange_order_id) for r in reports} | {
        (o.symbol, o.exchange_order_id) for o in known
    }
    return [
        fill
        for fill in fills
        if fill.client_order_id is None
        and (fill.symbol, fill.exchange_order_id) not in named
        and (fill.symbol, fill.exchange_order_id) not in ledger.order_ids
        and not is_booked(ledger, fill)
    ]


async def _others(
    broker: Broker, ledger: Ledger, strange: Iterable[FillReport]
) -> dict[tuple[str, int], OrderReport]:
    """The orders of trades that nobody can name, newest first, unless they turn out to be ours.

    A forced order (a liquidation, a deleveraging, a settlement) tells itself by its name only.
    """
    others: dict[tuple[str, int], OrderReport] = {}
    asked = sorted({_order_key(fill) for fill in strange}, key=itemgetter(1), reverse=True)
    for symbol, exchange_order_id in asked[:OTHERS_MAX]:
        report = await broker.find_by_exchange_id(symbol, exchange_order_id)
        if report is not None and report.client_order_id not in ledger.orders:
            others[symbol, exchange_order_id] = report
    return others


def _order_key(fill: FillReport) -> tuple[str, int]:
    return fill.symbol, fill.exchange_order_id


def _named(fill: FillReport, others: Mapping[tuple[str, int], OrderReport]) -> FillReport:
    """The trade, with the name of its order where that is somebody else's."""
    other = others.get(_order_key(fill)) if others else None
    return fill if other is None else replace(fill, client_order_id=other.client_order_id)


def symbols_of(reading: Reading) -> set[str]:
    """The symbols that positions and income name."""
    held = {position.symbol for position in reading.positions}
    return held | {income.symbol for income in reading.merge.income if income.symbol}


async def _settled(
    ledger: Ledger, store: OrderArchive, reports: Iterable[OrderReport], fills: list[FillReport]
) -> list[Order]:
    """Orders that the news speaks of and that have left the working set; of booked trades nothing is asked."""
    found: dict[str, Order] = {}
    for report in reports:
        if report.client_order_id not in ledger.orders:
            order = await store.find_order(report.client_order_id)
            if order is not None:
                found[order.client_order_id] = order
    new = (fill for fill in fills if not is_booked(ledger, fill))
    for symbol, exchange_order_id in dict.fromkeys(map(_order_key, new)):
        if (symbol, exchange_order_id) not in ledger.order_ids:
            order = await store.find_order_by_exchange_id(symbol, exchange_order_id)
            if order is not None and order.client_order_id not in ledger.orders:
                found[order.client_order_id] = order
    return list(found.values())


def differences(ledger: Ledger, reading: Reading) -> tuple[DifferenceFound, ...]:
    """Positions and wallet, ours against theirs, to the last digit."""
    found = []
    theirs = {(p.symbol, p.position_side): p.quantity for p in reading.positions}
    ours = {key: p.quantity for key, p in ledger.positions.items() if not p.is_flat}
    for key in sorted(theirs.keys() | ours.keys()):
        mine, other = ours.get(key, ZERO), theirs.get(key, ZERO)
        if mine != other:
            found.append(_difference(f"{POSITION} {key[0]} {key[1].value}", mine, other))
    wallets = {b.asset: b.wallet_balance for b in reading.balances}
    for asset in sorted(wallets.keys() | ledger.account.wallet.keys()):
        mine, other = ledger.account.wallet.get(asset, ZERO), wallets.get(asset, ZERO)
        if mine != other:
            found.append(_difference(f"wallet {asset}", mine, other))
    return tuple(found)


def disputed(found: Iterable[DifferenceFound]) -> frozenset[str]:
    """The symbols whose positions differ."""
    subjects = (difference.subject.split() for difference in found)
    return frozenset(words[1] for words in subjects if words[0] == POSITION)


def _difference(subject: str, ours: Decimal, theirs: Decimal) -> DifferenceFound:
    return DifferenceFound(subject, f"{ours:f}", f"{theirs:f}", "trading halts until a person decides")
