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


class _OrderFields(msgspec.Struct):
    s: str
    q: str
    p: str
    m: bool
    c: str
    S: str
    L: str
    l: str  # noqa: E741 - the wire's own name
    t: int
    i: int
    x: str
    X: str
    ap: str


class _OrderUpdate(msgspec.Struct):
    E: int
    T: int
    o: _OrderFields


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
            if found is not None and update.o.x == "TRADE":
                self._hub.publish(found.key, _trade_lite(update), TRADE_LITE)
            if update.o.c.startswith("autoclose-"):
                self._on_liquidation(update.o.s, _force_order(update))
        if found is not None:
            self._hub.publish(found.key, raw, kind)


def _trade_lite(update: _OrderUpdate) -> str:
    order = update.o
    return (
        f'{{"e":"TRADE_LITE","E":{update.E},"T":{update.T},"s":"{order.s}","q":"{order.q}","p":"{order.p}",'
        f'"m":{"true" if order.m else "false"},"c":"{order.c}","S":"{order.S}","L":"{order.L}","l":"{order.l}",'
        f'"t":{order.t},"i":{order.i}}}'
    )


def _force_order(update: _OrderUpdate) -> str:
    order = update.o
    return (
        f'{{"e":"forceOrder","E":{update.E},"o":{{"s":"{order.s}","S":"{order.S}","o":"LIMIT","f":"IOC",'
        f'"q":"{order.q}","p":"{order.p}","ap":"{order.ap}","X":"{order.X}","l":"{order.l}","z":"{order.l}",'
        f'"T":{update.T}}},"st":1}}'
    )
