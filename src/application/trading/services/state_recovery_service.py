"""The one procedure that makes store and exchange agree: at every start, every reconnect, on a timer.

The exchange is the truth about fills, the store is the truth about intents. The procedure reads everything that
can tell about the difference (open orders of both books, every attempt without an end by its id, all trades since
the last confirmed one, income, positions, balances), merges it through ``decide`` like any other news, acts on
what follows (a naked position gets its stop), and compares. What still differs after several reads is never
papered over: trading halts and a person decides. Running it twice changes nothing the second time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from src.application.ports.broker import Broker, Consistency
from src.application.ports.failpoints import failpoint
from src.application.ports.store import OrderArchive
from src.application.trading.session_loop import SessionLoop
from src.domain.decisions.exchange import may_be_of
from src.domain.decisions.news import ExchangeRead, RecoveryConcluded, StreamRestarted
from src.domain.ledger.events import DifferenceFound, FillBooked, IncomeBooked
from src.domain.ledger.state import Ledger
from src.domain.money import ZERO
from src.domain.orders.news import BalanceReport, FillReport, OrderReport, PositionReport
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState

READS_MAX = 3
INCOME_OVERLAP_MS = 60_000
"""How far behind the newest row that was read the next read of income begins: rows may show up late."""


@dataclass(slots=True)
class Reading:
    """One read of the exchange, complete enough to merge and to compare."""

    merge: ExchangeRead
    positions: list[PositionReport]
    balances: list[BalanceReport]


@dataclass(slots=True)
class RecoveryReport:
    """What a run of the procedure looked at, changed and left open."""

    cause: str
    orders_checked: int = 0
    fills_added: int = 0
    income_added: int = 0
    unresolved: int = 0
    differences: tuple[DifferenceFound, ...] = ()
    verdicts: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether store and exchange say the same."""
        return not self.differences


class StateRecoveryService:
    """Reads, merges, compares. ``symbols`` are those ever traded or configured."""

    def __init__(self, loop: SessionLoop, symbols: Sequence[str]) -> None:
        self._loop = loop
        self._symbols = tuple(symbols)
        # Rows of trades are income too, and are not booked as such: what was read once is not read for ever.
        self._income_read_ms = 0

    async def recover(self, cause: str, *, new_stream: bool, at_start: bool = False) -> RecoveryReport:
        """Run the procedure; raises BrokerError when the exchange cannot be read, with nothing concluded."""
        loop = self._loop
        if new_stream:
            # The stream is opened first: what happens while we read is then delivered after it.
            stream_epoch = await loop.broker.open(loop)
            failpoint("recovery.stream_opened")
            loop.decide(StreamRestarted(stream_epoch))
            await loop.flush()
        report = RecoveryReport(cause)
        for _ in range(READS_MAX):
            reading = await read_exchange(
                loop.broker,
                loop.ledger,
                loop.store,
                self._symbols,
                at_start=at_start,
                income_since_ms=max(loop.ledger.account.income_ms, self._income_read_ms - INCOME_OVERLAP_MS),
            )
            failpoint("recovery.read")
            report.orders_checked = (
                len(reading.merge.orders) + len(reading.merge.dead) + len(reading.merge.lost)
            )
            step = loop.decide(reading.merge)
            report.fills_added += sum(1 for event in step.events if type(event) is FillBooked)
            report.income_added += sum(1 for event in step.events if type(event) is IncomeBooked)
            report.verdicts += [str(event) for event in step.events]
            await loop.flush()
            failpoint("recovery.merged")
            report.differences = differences(loop.ledger, reading)
            if report.agrees:
                self._income_read_ms = max(
                    (i.at_ms for i in reading.merge.income), default=self._income_read_ms
                )
                break
        loop.reconcile_wanted = ""
        loop.decide(
            RecoveryConcluded(
                cause, report.orders_checked, report.fills_added, report.income_added, report.differences
            )
        )
        await loop.flush()
        failpoint("recovery.concluded")
        return report


async def read_exchange(
    broker: Broker,
    ledger: Ledger,
    store: OrderArchive,
    symbols: Sequence[str],
    *,
    at_start: bool,
    income_since_ms: int | None = None,
) -> Reading:
    """Read everything that recovery compares; changes nothing.

    ``at_start``: no request of ours is under way. Without ``income_since_ms`` income is read from the last booked.
    """
    # Trades before orders: a trade made in between belongs to an order that is read after it, and is claimed there.
    fills, confirmed = await _trades(broker, ledger, symbols)
    reports = {report.client_order_id: report for report in await broker.open_orders()}
    for report in await broker.open_algo_orders():
        reports.setdefault(report.client_order_id, report)
    absent: list[Order] = []
    for order in list(ledger.orders.values()):
        if order.is_settled or order.client_order_id in reports:
            continue
        found = await broker.find(order.symbol, order.client_order_id)
        if found is None:
            absent.append(order)
        else:
            reports[found.client_order_id] = found
    since_ms = ledger.account.income_ms if income_since_ms is None else income_since_ms
    income = await broker.income(since_ms)
    known = await _settled(ledger, store, reports.values(), fills)
    strange = _unexplained(ledger, known, reports.values(), fills)
    venue_ms = (await broker.server_time()).now_ms
    dead, lost, vanished = _judge(absent, strange, broker.consistency, venue_ms, at_start)
    merge = ExchangeRead(
        fills=tuple(fills),
        orders=tuple(reports.values()),
        income=tuple(income),
        dead=tuple(dead),
        lost=tuple(lost),
        vanished=tuple(vanished),
        confirmed=tuple(confirmed.items()),
        known=tuple(known),
    )
    return Reading(merge, await broker.positions(), await broker.balances())


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
        and fill.trade_id not in ledger.symbol(fill.symbol).trade_ids
    ]


def _judge(
    absent: list[Order],
    strange: list[FillReport],
    consistency: Consistency,
    venue_ms: int,
    at_start: bool,
) -> tuple[list[str], list[str], list[str]]:
    """Sort orders without a trace into dead, lost, and vanished; one that may still be on its way is none of them.

    Where a read may lag, a trade that nobody can explain keeps an attempt of its symbol and side from being dead; an
    exchange whose reads see everything would have shown the order by its id.
    """
    dead, lost, vanished = [], [], []
    for order in absent:
        if order.attempt_state is AttemptState.ACKED:
            if consistency.read_your_writes and order.is_open:
                vanished.append(order.client_order_id)
            continue
        gone = at_start and consistency.requests_die_with_process
        late_ms = venue_ms - order.attempt.deadline_ms - consistency.arrival_margin_ms
        silent = consistency.read_your_writes or late_ms > consistency.quiescence_ms
        perhaps = not consistency.read_your_writes and any(may_be_of(order, fill) for fill in strange)
        if silent and not perhaps and (gone or late_ms > 0):
            dead.append(order.client_order_id)
        elif at_start or late_ms > 0:
            lost.append(order.client_order_id)
    return dead, lost, vanished


async def _trades(
    broker: Broker, ledger: Ledger, symbols: Sequence[str]
) -> tuple[list[FillReport], dict[str, int]]:
    """Every trade after the last confirmed one, page by page, for each symbol ever traded."""
    fills: list[FillReport] = []
    confirmed: dict[str, int] = {}
    for symbol in dict.fromkeys((*symbols, *ledger.symbols)):
        from_id = ledger.symbol(symbol).confirmed_trade_id + 1
        while page := await broker.trades(symbol, from_id):
            fills += page
            from_id = max(fill.trade_id for fill in page) + 1
            confirmed[symbol] = from_id - 1
    return fills, confirmed


async def _settled(
    ledger: Ledger, store: OrderArchive, reports: Iterable[OrderReport], fills: list[FillReport]
) -> list[Order]:
    """Orders that the news speaks of and that have left the working set."""
    found: dict[str, Order] = {}
    for report in reports:
        if report.client_order_id not in ledger.orders:
            order = await store.find_order(report.client_order_id)
            if order is not None:
                found[order.client_order_id] = order
    for fill in fills:
        if (fill.symbol, fill.exchange_order_id) not in ledger.order_ids:
            order = await store.find_order_by_exchange_id(fill.symbol, fill.exchange_order_id)
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
            found.append(_difference(f"position {key[0]} {key[1].value}", mine, other))
    wallets = {b.asset: b.wallet_balance for b in reading.balances}
    for asset in sorted(wallets.keys() | ledger.account.wallet.keys()):
        mine, other = ledger.account.wallet.get(asset, ZERO), wallets.get(asset, ZERO)
        if mine != other:
            found.append(_difference(f"wallet {asset}", mine, other))
    return tuple(found)


def _difference(subject: str, ours: Decimal, theirs: Decimal) -> DifferenceFound:
    return DifferenceFound(subject, f"{ours:f}", f"{theirs:f}", "trading halts until a person decides")
