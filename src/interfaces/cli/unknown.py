"""Orders of unknown outcome as a person sees them: what is known of each, and the way to let one go without proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from src.application.ports.store import ReadModels
from src.domain.ledger.events import OutcomeDoubted
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import Purpose
from src.interfaces.cli.accounts import choose_account
from src.interfaces.cli.composition import Application, OrderReleased
from src.interfaces.cli.control import command
from src.interfaces.cli.errors import CommandFailed, ExitCode
from src.interfaces.cli.tables import print_table
from src.interfaces.cli.texts import clock, quantity

_DOUBTED = "outcome_doubted"
_MOST_ORDERS = 1_000


@dataclass(frozen=True, slots=True)
class UnknownLine:
    """An order of unknown outcome and the evidence about it; quantity in base asset, times in venue ms, UTC.

    ``arrives_until_ms`` is the last moment at which the exchange may accept it; ``reads`` counts the reads since then
    that showed no trace of it, the last at ``last_read_ms``. ``fence_ms`` is the latest event on the user stream that
    could testify; ``fence_id`` and ``fence_status`` are those of the last fence order in its symbol.
    """

    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    purpose: str
    reserved: Decimal
    sent_ms: int
    arrives_until_ms: int
    reads: int
    last_read_ms: int | None
    fence_ms: int | None
    fence_id: str | None
    fence_status: str | None
    reason: str


def unknown_lines(reads: ReadModels, account_id: str, symbol: str | None = None) -> list[UnknownLine]:
    """Every order of unknown outcome of an account, newest first, with the newest evidence in the journal."""
    with reads.same_commit():
        found = reads.orders(account_id, open_only=True, symbol=symbol, limit=_MOST_ORDERS)
        unknown = [order for order in found if order.attempt_state is AttemptState.UNKNOWN]
        if not unknown:
            return []
        evidence = _evidence(reads, account_id, {order.client_order_id for order in unknown})
        return [
            _line(order, evidence.get(order.client_order_id), _fence(reads, account_id, order.symbol))
            for order in unknown
        ]


def _evidence(reads: ReadModels, account_id: str, names: set[str]) -> dict[str, OutcomeDoubted]:
    newest = {}
    for record in reads.journal(account_id, kind=_DOUBTED):
        if record.key in names:
            newest[record.key] = msgspec.json.decode(record.payload, type=OutcomeDoubted)
    return newest


def _fence(reads: ReadModels, account_id: str, symbol: str) -> Order | None:
    found = reads.orders(account_id, symbol=symbol, limit=_MOST_ORDERS)
    return next((order for order in found if order.ticket.purpose is Purpose.FENCE), None)


def _line(order: Order, evidence: OutcomeDoubted | None, fence: Order | None) -> UnknownLine:
    return UnknownLine(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side.value,
        quantity=order.quantity,
        purpose=order.ticket.purpose.value,
        reserved=Decimal(0) if order.ticket.reduce_only else order.remaining_quantity,
        sent_ms=order.attempt.timestamp_ms,
        arrives_until_ms=order.attempt.deadline_ms if evidence is None else evidence.arrives_until_ms,
        reads=0 if evidence is None else evidence.reads,
        last_read_ms=None if evidence is None else evidence.last_ms,
        fence_ms=None if evidence is None else evidence.fence_ms,
        fence_id=None if fence is None else fence.client_order_id,
        fence_status=None if fence is None else fence.status.value,
        reason=order.reason,
    )


def print_unknown(lines: Sequence[UnknownLine], title: str) -> None:
    """The evidence for people."""
    if not lines:
        print(f"{title}: no order's outcome is unknown")
        return
    columns = (
        "sent", "symbol", "side", "quantity>", "reserved>", "may arrive until", "reads>", "last read", "event heard?",
        "fence?", "id",
    )  # fmt: skip
    rows = [
        (
            clock(line.sent_ms),
            line.symbol,
            line.side,
            quantity(line.quantity),
            quantity(line.reserved),
            clock(line.arrives_until_ms),
            str(line.reads),
            "-" if line.last_read_ms is None else clock(line.last_read_ms),
            "-" if line.fence_ms is None else clock(line.fence_ms),
            "-" if line.fence_id is None else f"{line.fence_id} {line.fence_status}",
            line.client_order_id,
        )
        for line in lines
    ]
    print_table(title, columns, rows)
    print("`recover --release ID --reason TEXT` takes one for dead on your word; if it lives, trading halts")


def release_unknown(app: Application, wanted: str | None, order_id: str, reason: str) -> OrderReleased:
    """Take an order for dead; raises :class:`CommandFailed` for one that is not there or not of unknown outcome."""
    account = choose_account(app, wanted, to_change=True)
    reads = app.open_reads()
    try:
        order = reads.order(account.account_id, order_id)
    finally:
        reads.close()
    if order is None:
        raise CommandFailed(
            f"no order {order_id}: `orders --unknown` lists what can be released", ExitCode.NOT_FOUND
        )
    if not reason.strip():
        raise CommandFailed(
            "a release needs --reason TEXT: it is kept in the journal", ExitCode.CONFIGURATION
        )
    try:
        command(app, account.account_id, "release", {"client_order_id": order_id, "reason": reason})
    except ConnectionRefusedError:
        return app.release_order(account.account_id, order_id, reason)
    return OrderReleased(order_id, order.symbol, True)
