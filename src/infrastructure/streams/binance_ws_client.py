"""``ws_client.subscribe('order_update', handler)``: the account's own news as dicts with the exchange's REST names.

It stands beside a session, never in its way: it has a connection of its own, tells handlers one update after the other,
and changes nothing. The exchange replays nothing, so after a lost connection the topic ``gap`` says that something may
have been missed; whoever needs to know asks the broker. Sources: USDⓈ-M user data streams, ORDER_TRADE_UPDATE,
ALGO_UPDATE and ACCOUNT_UPDATE; the names are those of the answers to GET order, algoOrder and positionRisk.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from src.application.ports.broker import BrokerError
from src.infrastructure.brokers.binance_futures_broker import BinanceFuturesBroker
from src.infrastructure.streams.ending import end_tasks

Update = dict[str, Any]
Handler = Callable[[Update], Awaitable[None]]

ORDER_UPDATE: Final = "order_update"
ALGO_UPDATE: Final = "algo_update"
POSITION_UPDATE: Final = "position_update"
GAP: Final = "gap"
BACKOFF_S: Final = (0.25, 10.0)
_LOG = logging.getLogger("steadyhand.account")

_ORDER: Final = {
    "s": "symbol", "c": "clientOrderId", "i": "orderId", "S": "side", "ps": "positionSide", "o": "type",
    "X": "status", "x": "executionType", "f": "timeInForce", "q": "origQty", "z": "executedQty", "p": "price",
    "ap": "avgPrice", "sp": "stopPrice", "R": "reduceOnly", "wt": "workingType", "T": "updateTime",
    "l": "lastQty", "L": "lastPrice", "t": "tradeId", "n": "commission", "N": "commissionAsset",
    "rp": "realizedPnl", "m": "maker",
}  # fmt: skip
_ALGO: Final = {
    "s": "symbol", "caid": "clientAlgoId", "aid": "algoId", "S": "side", "ps": "positionSide", "o": "orderType",
    "X": "algoStatus", "f": "timeInForce", "q": "quantity", "p": "price", "tp": "triggerPrice",
    "ai": "actualOrderId", "wt": "workingType", "R": "reduceOnly", "cp": "closePosition", "tt": "triggerTime",
}  # fmt: skip
_POSITION: Final = {
    "s": "symbol", "ps": "positionSide", "pa": "positionAmt", "ep": "entryPrice", "bep": "breakEvenPrice",
    "up": "unRealizedProfit", "mt": "marginType", "iw": "isolatedWallet",
}  # fmt: skip


class BinanceWebSocketClient:
    """Tells subscribers what happens on a broker's account, from :meth:`start` to :meth:`close`."""

    def __init__(self, broker: BinanceFuturesBroker) -> None:
        self._stream = broker.user_stream()
        self._handlers: dict[str, list[Handler]] = {}
        self._news: asyncio.Queue[tuple[str, Update]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._lost = asyncio.Event()
        self._failure: Exception | None = None

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Call ``handler`` with every update of ``topic``: order_update, algo_update, position_update or gap.

        Raises ValueError for another topic.
        """
        if topic not in (ORDER_UPDATE, ALGO_UPDATE, POSITION_UPDATE, GAP):
            raise ValueError(f"{topic!r} is no topic: order_update, algo_update, position_update and gap are")
        self._handlers.setdefault(topic, []).append(handler)

    async def start(self) -> None:
        """Connect; raises BrokerError when that fails. A connection that is lost later is made again."""
        await self._open()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._tell()), loop.create_task(self._keep_open())]

    async def close(self) -> None:
        """Stop telling; raises the first of what handlers have raised."""
        errors = await end_tasks(self._tasks)
        self._tasks = []
        await self._stream.close()
        for error in (self._failure, *errors):
            if error is not None:
                raise error

    async def _open(self) -> None:
        self._lost.clear()
        await self._stream.open(on_event=self._hear, on_lost=lambda reason: self._lose(reason))

    def _lose(self, reason: str) -> None:
        self._news.put_nowait((GAP, {"reason": reason}))
        self._lost.set()

    async def _keep_open(self) -> None:
        while True:
            await self._lost.wait()
            wait_s = BACKOFF_S[0]
            while self._lost.is_set():
                try:
                    await self._open()
                except BrokerError:
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, BACKOFF_S[1])

    async def _tell(self) -> None:
        while True:
            topic, update = await self._news.get()
            for handler in self._handlers.get(topic, ()):
                try:
                    await handler(update)
                except Exception as error:  # noqa: BLE001 - a handler is a guest: it and the others hear on
                    _LOG.exception("a handler of %s failed", topic)
                    self._failure = self._failure or error

    def _hear(self, raw: str) -> None:
        for topic, update in updates_of(msgspec.json.decode(raw)):
            self._news.put_nowait((topic, update))


def updates_of(event: Mapping[str, Any]) -> list[tuple[str, Update]]:
    """The updates in one event of the user stream, by topic; empty for events about something else."""
    match event.get("e"):
        case "ORDER_TRADE_UPDATE":
            return [(ORDER_UPDATE, _named(_ORDER, event["o"]))]
        case "ALGO_UPDATE":
            return [(ALGO_UPDATE, _named(_ALGO, event["o"]))]
        case "ACCOUNT_UPDATE":
            return [(POSITION_UPDATE, _position(row)) for row in event["a"].get("P", ())]
        case _:
            return []


def _position(row: Mapping[str, Any]) -> Update:
    """The event tells no mark price: it is the one that the profit told is the profit at, "0" for a flat position."""
    update = _named(_POSITION, row)
    quantity = Decimal(row["pa"])
    mark = Decimal(row["ep"]) + Decimal(row["up"]) / quantity if quantity else Decimal(0)
    return update | {"markPrice": f"{mark.quantize(Decimal('0.00000001')).normalize():f}"}


def _named(names: Mapping[str, str], row: Mapping[str, Any]) -> Update:
    return {name: row[letter] for letter, name in names.items() if letter in row}
