"""User data streams: listen keys with their life of an hour, and the events of each account.

One key an account; asking again gives the same one and extends it. When it expires the sockets stay open and go
mute after one `listenKeyExpired`. Nothing is replayed: what happens while nobody listens is not told again.
Source: "User Data Streams" of USDⓈ-M futures.
"""

import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from src.infrastructure.simulated_exchange.event_writer import ORDER_TRADE_UPDATE
from src.infrastructure.simulated_exchange.records import UserEvent
from src.infrastructure.simulated_exchange.server.hub import StreamHub
from src.infrastructure.simulated_exchange.server.refusals import refuse

LIFE_MS: Final = 60 * 60_000
EXPIRED: Final = "listenKeyExpired"
TRADE_LITE: Final = "TRADE_LITE"
_ALPHABET: Final = string.ascii_letters + string.digits


def random_listen_key() -> str:
    """64 random letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(64))


class _OrderFields(
    msgspec.Struct,
    rename={
        "symbol": "s",
        "quantity": "q",
        "price": "p",
        "is_maker": "m",
        "client_order_id": "c",
        "side": "S",
        "last_price": "L",
        "last_quantity": "l",
        "trade_id": "t",
        "order_id": "i",
        "execution": "x",
        "status": "X",
        "average_price": "ap",
    },
):
    symbol: str
    quantity: str
    price: str
    is_maker: bool
    client_order_id: str
    side: str
    last_price: str
    last_quantity: str
    trade_id: int
    order_id: int
    execution: str
    status: str
    average_price: str


class _OrderUpdate(msgspec.Struct, rename={"event_ms": "E", "transaction_ms": "T", "order": "o"}):
    event_ms: int
    transaction_ms: int
    order: _OrderFields


_decode_order: Final = msgspec.json.Decoder(_OrderUpdate).decode


@dataclass(slots=True)
class _ListenKey:
    key: str
    account: int
    expires_ms: int


OnLiquidation = Callable[[str, str], None]


class UserStreams:
    """The listen keys of all accounts; their streams are streams of the hub, named by the key.

    ``on_liquidation`` is told the symbol and the payload of each liquidation that was executed, for the public.
    """

    def __init__(
        self,
        hub: StreamHub,
        on_liquidation: OnLiquidation,
        make_key: Callable[[], str] = random_listen_key,
    ) -> None:
        self._hub = hub
        self._on_liquidation = on_liquidation
        self._make_key = make_key
        self._by_key: dict[str, _ListenKey] = {}
        self._by_account: dict[int, _ListenKey] = {}

    def start(self, account: int, now_ms: int) -> str:
        """The account's key, a new one if there is none, good for an hour from now."""
        found = self._by_account.get(account)
        if found is None:
            found = _ListenKey(self._make_key(), account, 0)
            self._by_key[found.key] = self._by_account[account] = found
        found.expires_ms = now_ms + LIFE_MS
        return found.key

    def keep(self, account: int, now_ms: int) -> str:
        """Extend the account's key (-1125 when there is none)."""
        found = self._by_account.get(account)
        if found is None:
            raise refuse(-1125)
        found.expires_ms = now_ms + LIFE_MS
        return found.key

    def stop(self, account: int) -> None:
        """End the account's key without a word."""
        found = self._by_account.pop(account, None)
        if found is not None:
            del self._by_key[found.key]

    def is_valid(self, key: str) -> bool:
        """Whether a key is one that lives."""
        return key in self._by_key

    def expire(self, now_ms: int) -> None:
        """Tell the sockets of keys whose hour is over, and forget these keys."""
        for found in [found for found in self._by_key.values() if now_ms >= found.expires_ms]:
            self.expire_key(found.account, now_ms)

    def expire_key(self, account: int, now_ms: int) -> None:
        """End one account's key as if its hour were over."""
        found = self._by_account.get(account)
        if found is None:
            return
        payload = f'{{"e":"{EXPIRED}","E":{now_ms},"listenKey":"{found.key}"}}'
        self._hub.publish(found.key, payload, EXPIRED)
        self.stop(account)

    def deliver(self, events: Sequence[UserEvent]) -> None:
        """Publish durable events, each to its account; a trade is announced by TRADE_LITE first."""
        for event in events:
            self.publish(event.account, event.kind, event.raw)
        self._hub.flush()

    def publish(self, account: int, kind: str, raw: str) -> None:
        """Publish one event."""
        found = self._by_account.get(account)
        if kind == ORDER_TRADE_UPDATE and ('"x":"TRADE"' in raw or '"x":"CALCULATED"' in raw):
            update = _decode_order(raw)
            if found is not None and update.order.execution == "TRADE":
                self._hub.publish(found.key, _trade_lite(update), TRADE_LITE)
            if update.order.client_order_id.startswith("autoclose-"):
                self._on_liquidation(update.order.symbol, _force_order(update))
        if found is not None:
            self._hub.publish(found.key, raw, kind)


def _trade_lite(update: _OrderUpdate) -> str:
    order = update.order
    return (
        f'{{"e":"TRADE_LITE","E":{update.event_ms},"T":{update.transaction_ms},"s":"{order.symbol}",'
        f'"q":"{order.quantity}","p":"{order.price}","m":{"true" if order.is_maker else "false"},'
        f'"c":"{order.client_order_id}","S":"{order.side}","L":"{order.last_price}","l":"{order.last_quantity}",'
        f'"t":{order.trade_id},"i":{order.order_id}}}'
    )


def _force_order(update: _OrderUpdate) -> str:
    order = update.order
    return (
        f'{{"e":"forceOrder","E":{update.event_ms},"o":{{"s":"{order.symbol}","S":"{order.side}","o":"LIMIT","f":"IOC",'
        f'"q":"{order.quantity}","p":"{order.price}","ap":"{order.average_price}","X":"{order.status}",'
        f'"l":"{order.last_quantity}","z":"{order.last_quantity}","T":{update.transaction_ms}}},"st":1}}'
    )
