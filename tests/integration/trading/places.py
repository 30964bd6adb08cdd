"""Where these tests trade: an account of its own at the local exchange, or the key of the environment at Binance's."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import msgspec

from src.application.trading.config import TradingConfig
from src.application.trading.services.live_trading_service import LiveTradingService
from src.infrastructure.brokers.binance_futures_broker import BinanceFuturesBroker
from src.infrastructure.brokers.binance_places import DEMO, Place, local_place
from tests.support.exchange_process import exchange_process

SYMBOL: Final = "BTCUSDT"
WAIT_S: Final = 15.0
Start = Callable[..., Awaitable[LiveTradingService]]
_BALANCE: Final = 1_000_000
_accounts = count(2)


@dataclass
class TradingPlace:
    """An exchange and an account at it; ``admin_url`` is there at the local exchange only."""

    place: Place
    key: str
    secret: str = field(repr=False)
    account: int = 0
    admin_url: str | None = None

    def broker(self, **options: Any) -> BinanceFuturesBroker:
        """A broker as the document makes one, told where its exchange is."""
        return BinanceFuturesBroker(self.key, self.secret, testnet=True, place=self.place, **options)

    def admin(self, request: str, **body: Any) -> Any:
        """Ask the local exchange's admin API."""
        method, path = request.split(" ")
        body = {"account": self.account, **body}
        url = f"{self.admin_url}/admin/{path}"
        with urlopen(Request(url, msgspec.json.encode(body), method=method), timeout=5) as answer:
            return msgspec.json.decode(answer.read())


def demo_place() -> TradingPlace | str:
    """Binance's demo venue with the key of the environment, or why there is none."""
    key, secret = os.environ.get("BINANCE_API_KEY", ""), os.environ.get("BINANCE_API_SECRET", "")
    if not (key and secret):
        return "--testnet needs a key of Binance's demo venue: set BINANCE_API_KEY and BINANCE_API_SECRET"
    host = urlsplit(DEMO.rest_url).hostname
    try:
        socket.create_connection((host, 443), timeout=5).close()
    except OSError as error:
        return f"--testnet needs a network: {host} cannot be reached ({type(error).__name__})"
    return TradingPlace(DEMO, key, secret)


@contextmanager
def a_local_exchange(folder: Path) -> Iterator[str]:
    """The address of a local exchange, a process of its own as users start it; ten times as fast as the clock."""
    folder.mkdir(parents=True, exist_ok=True)
    with exchange_process(folder / "exchange", "--admin", "--speed", "10", "--no-limits") as (_, url):
        yield url


def a_local_account(url: str) -> TradingPlace:
    """A new account with a key of its own and a million in it."""
    place = TradingPlace(local_place(url), "", "", next(_accounts), url)
    answer = place.admin("POST accounts", balance=_BALANCE)
    # What another test has spent of the minute's weight is not this one's.
    place.admin("POST limits", forget=True)
    place.key, place.secret = answer["key"], answer["secret"]
    return place


async def begun(place: TradingPlace, broker: BinanceFuturesBroker | None = None) -> LiveTradingService:
    """A service with a session at ``place`` that has just started."""
    service = LiveTradingService(config=TradingConfig(position_size_pct=0.5, auto_restart=False))
    service.set_broker(broker or place.broker())
    await service.start_session(strategies=["sma_cross"], symbols=[SYMBOL], dry_run=False)
    return service


async def started(place: TradingPlace, broker: BinanceFuturesBroker | None = None) -> LiveTradingService:
    """The same, once its market data is good and its book is whole."""
    service = await begun(place, broker)
    await until(lambda: all(line.trouble is None for line in service.snapshot().markets))
    desk = service._active().parts.desk
    await until(lambda: desk.has_whole_book(SYMBOL))
    return service


async def lost(service: LiveTradingService) -> None:
    """The process is gone: nothing is finished, the lease is free."""
    task = service._task
    assert task is not None, "a session that was started has a task"
    task.cancel()
    await until(task.done)
    await service._active().parts.broker.close()
    await service.close()


def price_of(service: LiveTradingService) -> Decimal:
    """The best bid, rounded to 100, which is on every tick."""
    bid = service.snapshot().markets[0].bid
    assert bid is not None, "good data has a bid"
    return round(bid, -2)


async def until(met: Any, seconds: float = WAIT_S, every_s: float = 0.01) -> None:
    """Wait until something has come about; ``met`` may be a coroutine function."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + seconds
    while loop.time() < give_up:
        answer = met()
        if await answer if asyncio.iscoroutine(answer) else answer:
            return
        await asyncio.sleep(every_s)
    raise AssertionError("it never came about")


async def assert_equal_books(service: LiveTradingService) -> None:
    """At rest, exchange and ledger say the same: open orders of both kinds, positions and wallet."""
    runner = service._active()
    broker, ledger = runner.parts.broker, runner.loop.ledger

    async def equal() -> bool:
        theirs = {
            o.client_order_id
            for o in (*await broker.open_orders(SYMBOL), *await broker.open_algo_orders(SYMBOL))
        }
        positions = {p.symbol: p.quantity for p in await broker.positions()}
        wallets = {b.asset: b.wallet_balance for b in await broker.balances()}
        return (
            theirs == {o.id for o in ledger.orders.values() if o.is_open}
            and positions.get(SYMBOL, Decimal(0)) == ledger.position(SYMBOL).quantity
            and wallets.get("USDT", Decimal(0)) == ledger.wallet_balance
        )

    await until(equal, every_s=0.25)
