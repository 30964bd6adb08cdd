"""The way of an order to the local exchange and back: through the broker, and by a bare POST in the same run.

Both send the same signed order over one kept-alive connection to the same server, in turns, so that what the machine
does beside it falls on both. What the broker adds is what it knows and the bare client does not: limits, budget, the
one transmission, and what an answer proves.
"""

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks.exchange_server import server
from benchmarks.samples import Samples
from src.application.ports.broker import UserEvent
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide
from src.domain.money import use_money_context
from src.domain.orders.news import Accepted, CancelOutcome, ModifyOutcome, SubmitOutcome
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.types import OrderType, Purpose
from src.infrastructure.brokers.binance_futures_broker import BinanceFuturesBroker
from src.infrastructure.brokers.binance_places import local_place
from src.infrastructure.simulated_exchange.server.signing import hmac_signature

ORDERS: Final = 300
FIRST_PRICES_S: Final = 1.5
SIDES: Final = (OrderSide.BUY, OrderSide.SELL)


class _Waiting:
    """A sink that hands the next answer to whoever waits for it."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[SubmitOutcome] = asyncio.get_running_loop().create_future()

    def on_submit_outcome(self, outcome: SubmitOutcome) -> None:
        """The answer."""
        self.answer.set_result(outcome)

    def on_cancel_outcome(self, outcome: CancelOutcome) -> None:
        """Nothing is canceled here."""

    def on_modify_outcome(self, outcome: ModifyOutcome) -> None:
        """Nothing is modified here."""

    def on_instruments(self, instruments: list[Instrument]) -> None:
        """Filters do not change here."""

    def on_user_event(self, event: UserEvent) -> None:
        """Fills are not waited for."""

    def on_stream_lost(self, stream_epoch: int, reason: str) -> None:
        """The stream is not measured."""


def round_trips(folder: Path) -> tuple[Samples, Samples]:
    """Durations of the orders through the broker, and of the bare ones."""
    use_money_context()
    with server(folder / "exchange") as (port, key, secret):
        return asyncio.run(_measure(folder, port, key, secret))


async def _measure(folder: Path, port: int, key: str, secret: str) -> tuple[Samples, Samples]:
    url = f"http://127.0.0.1:{port}"
    broker = BinanceFuturesBroker(
        key, secret, place=local_place(url), weight_file=folder / "weight", weight_max=1_000_000
    )
    sink = _Waiting()
    await broker.open(sink)
    await asyncio.sleep(FIRST_PRICES_S)
    through, bare = Samples("broker"), Samples("bare")
    async with aiohttp.ClientSession() as session:
        for number in range(ORDERS):
            through.add(await _through_broker(broker, sink, number))
            bare.add(await _bare(session, url, key, secret, number))
    await broker.close()
    return through, bare


async def _through_broker(broker: BinanceFuturesBroker, sink: _Waiting, number: int) -> int:
    sink.answer = asyncio.get_running_loop().create_future()
    before = time.perf_counter_ns()
    ticket = OrderTicket(
        "BTCUSDT", SIDES[number % 2], OrderType.MARKET, Decimal("0.001"), Purpose.ENTRY, "b", Decimal(60_000)
    )
    broker.submit(ticket, Attempt(f"through-{number}", broker.venue_time().now_ms, 5_000))
    outcome = await sink.answer
    after = time.perf_counter_ns()
    if not isinstance(outcome, Accepted):
        raise RuntimeError(f"the exchange did not take the order: {outcome}")
    return after - before


async def _bare(session: aiohttp.ClientSession, url: str, key: str, secret: str, number: int) -> int:
    side = SIDES[number % 2].value
    before = time.perf_counter_ns()
    query = f"symbol=BTCUSDT&side={side}&type=MARKET&quantity=0.001&timestamp={time.time_ns() // 1_000_000}"
    body = f"{query}&signature={hmac_signature(secret, query)}"
    headers = {"X-MBX-APIKEY": key, "Content-Type": "application/x-www-form-urlencoded"}
    async with session.post(f"{url}/fapi/v1/order", data=body, headers=headers) as answer:
        await answer.read()
    after = time.perf_counter_ns()
    if answer.status != 200:
        raise RuntimeError(f"the exchange did not take the bare order: {answer.status}")
    return after - before
