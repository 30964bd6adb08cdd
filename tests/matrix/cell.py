"""One cell from beginning to end: bring to the phase, break, act, rest, judge."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from src.application.ports.failpoints import install_hook
from src.domain.ledger.events import TermsChanged
from src.domain.money import use_money_context
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderType
from src.infrastructure.simulated_exchange.server.fault_rules import FaultRule
from tests.matrix import deeds
from tests.matrix.faults import Family, Proof
from tests.matrix.operations import HANGING
from tests.matrix.phases import BEFORE_RUNNING, Phase
from tests.matrix.table import Cell
from tests.matrix.virtual_time import run_virtually
from tests.matrix.world import PACE_S, World, a_world
from tests.support.engine_builders import BTC
from tests.support.exchange_server import KEY
from tests.support.invariants import Books, violations

AFTERMATH_S: Final = 14.0
"""Beyond the receive window and the client's patience."""
COMPARE_S: Final = 0.4
BOOK_S: Final = 1.5
"""After a cut, until a book is asked for again: it waits for an event, and was asked for just before."""
QUIET_S: Final = 400.0
"""Longer than a ban."""
ENDS_ALLOWED: Final = frozenset({Family.SETTING, Family.ACCOUNT, Family.CLOCK})
"""A revoked key ends a process; so does a start, or a stop, that cannot read the exchange for long."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a cell. ``ends`` are processes that ended by themselves; ``quiet_s`` is virtual time until rest."""

    cell: str
    trouble: tuple[str, ...]
    ends: tuple[str, ...]
    quiet_s: float
    orders: int
    fills: int


def run_cell(cell: Cell, folder: Path, template: Path) -> Verdict:
    """Run a cell in a folder of its own, in virtual time."""
    use_money_context()
    try:
        return run_virtually(_run(cell, folder, template))
    except Exception as error:  # noqa: BLE001 - whatever stops a cell is its verdict
        return Verdict(cell.name, (f"{type(error).__name__}: {error}",), (), 0.0, 0, 0)
    finally:
        install_hook(None)


async def _run(cell: Cell, folder: Path, template: Path) -> Verdict:
    async with a_world(folder, template) as world:
        await deeds.bring_to(world, cell.phase)
        known = set(world.books().orders)
        ends_before = len(world.ends)
        world.naked = 0
        await _break_and_act(cell, world)
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(max(AFTERMATH_S, cell.operation.lasts_s - 1.0))
        naked, held = world.naked, world.is_held
        injected = sum(world.server.faults.injected.values())
        _mend(world)
        trouble = await _come_to_rest(world)
        quiet_s = asyncio.get_running_loop().time() - begun
        ends = tuple(world.ends[ends_before:])
    books = world.books()
    trouble += violations(books)
    trouble += _expectations(cell, books, known)
    if not injected and (cell.fault.rule and cell.operation.family is not Family.ACCOUNT):
        trouble.append("the fault was never reached")
    trouble += [
        f"nobody else amended {e.client_order_id}" for _, e in books.events if isinstance(e, TermsChanged)
    ]
    if world.unreserved:
        trouble.append("an order that may still be filled was not reserved in full")
    if naked and cell.operation.name == "submit.stop" and cell.phase is Phase.POSITION:
        trouble.append(f"the position had no stop for {naked * PACE_S} s, while another one was to be placed")
    if held and cell.operation.name == HANGING and cell.phase is not Phase.STOPPING:
        trouble.append("the position is held beyond its stop, which hangs")
    if ends and not _may_end(cell):
        trouble.append(f"the process ended by itself: {ends[0]}")
    return Verdict(cell.name, tuple(trouble), ends, quiet_s, len(books.orders), len(books.fills))


OF_THE_UNKNOWN: Final = frozenset({"order.query", "algo.query", "orders.all", "algos.all"})
"""Reads about an order of unknown outcome."""

ACTS: Final[dict[str, Callable[[World], Awaitable[None]]]] = {
    "submit.limit": deeds.rest_lower,
    "orders.countdown": deeds.rest_lower,
    "submit.market": deeds.enter,
    "submit.stop": deeds.enter,
    "submit.target": deeds.enter,
    "submit.exit": deeds.close,
    "cancel.stop": deeds.close,
    "cancel.entry": deeds.cancel,
    "modify": deeds.amend,
}
"""What a running session is asked for so that an operation happens."""


def _may_end(cell: Cell) -> bool:
    """Whether a process may end by itself with an error, to be started again."""
    if cell.operation.family in ENDS_ALLOWED or cell.phase is Phase.STOPPING:
        return True
    return cell.operation.family is Family.READ and cell.phase in BEFORE_RUNNING


# --- breaking and acting ------------------------------------------------------------------------------------


async def _break_and_act(cell: Cell, world: World) -> None:
    if cell.phase in BEFORE_RUNNING:
        await _before_running(cell, world)
    elif cell.phase is Phase.STOPPING:
        await _while_stopping(cell, world)
    else:
        await _while_running(cell, world)


def _arm(cell: Cell, world: World, *before: FaultRule) -> None:
    world.arm(*before, *cell.fault.on(cell.operation.pattern, cell.operation.first))
    if cell.fault.skew_ms:
        world.server.services.venue.clock.skew_ms = cell.fault.skew_ms


async def _befall(cell: Cell, world: World) -> None:
    """The accident or the deed of a cell, at once."""
    if cell.operation.accident is not None:
        request, body = cell.operation.accident
        world.admin(request, **(body or {"key": KEY.key}))
        if cell.operation.bid is not None:
            world.quote(cell.operation.bid)
        asyncio.get_running_loop().call_later(cell.operation.lasts_s, _mend, world)
    if cell.fault.deed is not None:
        request, body = cell.fault.deed
        world.admin(request, **body)


async def _before_running(cell: Cell, world: World) -> None:
    """The fault is there, and something has happened, before the process is started."""
    name = cell.operation.name
    if name.startswith("submit."):
        if cell.phase is Phase.RECOVERY:
            world.quote(deeds.FILLS_RESTING)
        else:
            deeds.owner_trades(world, "BUY", "0.01")
    elif name == "cancel.stop":
        deeds.owner_trades(world, "SELL", "0.01", reduce_only=True)
    elif name == "cancel.entry":
        await _kill_with(world, deeds.LOST_CANCEL, deeds.cancel)
    elif name in OF_THE_UNKNOWN:
        await _kill_with(world, deeds.LOST_ENTRY, deeds.rest)
    _arm(cell, world)
    family = cell.operation.family
    if family is Family.ACCOUNT or cell.fault.deed is not None:
        loop = asyncio.get_running_loop()
        deeds.in_recovery(lambda: loop.create_task(_befall(cell, world)))
    await world.start()
    if family in (Family.EVENT, Family.STREAMS, Family.CLOCK):
        await deeds.round_trip(world)


async def _kill_with(world: World, rule: FaultRule, deed: Callable[[World], Awaitable[None]]) -> None:
    """A process more: it loses a request, and is killed before it can ask."""
    await world.start()
    world.arm(rule)
    await deed(world)
    await world.kill()
    world.server.faults.injected.clear()


async def _while_running(cell: Cell, world: World) -> None:
    name, family = cell.operation.name, cell.operation.family
    if name in ("cancel.entry", "modify") and cell.phase is Phase.POSITION:
        await deeds.rest(world)
    if name in OF_THE_UNKNOWN:
        _arm(cell, world, deeds.LOST_ENTRY)
        await deeds.rest_lower(world)
        return
    _arm(cell, world)
    await _befall(cell, world)
    if name == "submit.stop" and cell.phase is Phase.ENTRY:
        world.quote(deeds.FILLS_RESTING)
    elif name in ("listen_key.start", "depth"):
        world.admin("POST streams/cut")
    elif family not in (Family.ACCOUNT, Family.SETTING):
        act = ACTS.get(name, deeds.compare if family is Family.READ else deeds.round_trip)
        await act(world)
    if family is Family.WRITE and world.is_alive:
        # What is still on its way must not be taken for lost.
        await asyncio.sleep(COMPARE_S)
        await deeds.compare(world)


async def _while_stopping(cell: Cell, world: World) -> None:
    """What the fault strikes happens in the stop itself, or just before it."""
    name, family = cell.operation.name, cell.operation.family
    if name in OF_THE_UNKNOWN:
        _arm(cell, world, deeds.LOST_ENTRY)
        await deeds.rest_lower(world)
    else:
        _arm(cell, world)
    await _befall(cell, world)
    if name in ("listen_key.start", "depth"):
        world.admin("POST streams/cut")
        await asyncio.sleep(BOOK_S)
    if name in ("submit.stop", "submit.target"):
        world.quote(deeds.FILLS_RESTING)
    flatten = name in ("submit.exit", "cancel.stop") or family in (Family.EVENT, Family.CLOCK)
    await world.stop(flatten=flatten)


# --- rest and judgement -------------------------------------------------------------------------------------


def _mend(world: World) -> None:
    """Nothing goes wrong any more."""
    world.arm()
    world.server.services.keys.put(KEY)
    venue = world.server.services.venue
    if any(each.symbol == BTC for each in venue.engine.instruments):
        world.admin("POST symbol_status", symbol=BTC, status="TRADING")
        world.admin("POST hanging_triggers", symbol=BTC, hangs=False)


async def _come_to_rest(world: World) -> list[str]:
    """What was left unclear is settled, by the next session if this one was stopped; then that one is stopped."""
    if world.runner is None:
        await world.start()
    await world.ensure_alive()
    await deeds.compare(world)
    if not await world.until(deeds.is_quiet, QUIET_S):
        await world.ensure_alive()
        if not await world.until(deeds.is_quiet, QUIET_S):
            return ["it did not come to rest"]
    await asyncio.sleep(3.0)
    trouble = _different_orders(world.books())
    await world.stop()
    return trouble


def _different_orders(books: Books) -> list[str]:
    """Orders that are open on both sides, of unequal quantity."""
    return [
        f"{each.client_order_id} is of another quantity than the {each.quantity} at the exchange"
        for each in books.exchange.open_orders
        if each.client_order_id in books.orders
        and books.orders[each.client_order_id].quantity != each.quantity
    ]


def _expectations(cell: Cell, books: Books, known: set[str]) -> list[str]:
    """What the fault proves about the very order that it struck."""
    order = _struck(cell, books, known)
    if order is None:
        return []
    name, at_exchange, state = (
        order.client_order_id,
        books.exchange.sent[order.client_order_id],
        order.attempt_state,
    )
    proof = cell.fault.proof
    if proof is Proof.OPEN or (at_exchange == _THERE[proof] and state in _STATES[proof]):
        return []
    return [f"{name} was {proof.value}: {at_exchange} of it at the exchange, here it is {state}"]


_THERE: Final = {Proof.EXECUTED: 1, Proof.REFUSED: 0, Proof.LOST: 0, Proof.ABSENT: 0}
_STATES: Final = {
    Proof.EXECUTED: frozenset({AttemptState.ACKED}),
    Proof.REFUSED: frozenset({AttemptState.REFUSED}),
    Proof.LOST: frozenset({AttemptState.DEAD}),
    Proof.ABSENT: frozenset({AttemptState.REFUSED, AttemptState.DEAD}),
}


def _struck(cell: Cell, books: Books, known: set[str]) -> Order | None:
    """The order whose submission suffered the fault."""
    name = cell.operation.name
    if not name.startswith("submit."):
        return None
    new = sorted((order for key, order in books.orders.items() if key not in known), key=_sequence)
    if name in ("submit.stop", "submit.target"):
        new = [order for order in new if order.ticket.order_type.is_conditional][cell.operation.first - 1 :]
    else:
        limit = name == "submit.limit"
        exits = name == "submit.exit"
        new = [
            order
            for order in new
            if not order.ticket.order_type.is_conditional
            and (order.ticket.order_type is OrderType.LIMIT) is limit
            and order.ticket.reduce_only is exits
        ]
    return new[0] if new else None


def _sequence(order: Order) -> tuple[int, str]:
    return order.created_ms, order.client_order_id
