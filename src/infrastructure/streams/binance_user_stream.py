"""The user stream: one connection, its listen key kept alive, its end told.

There is no replay at Binance: what happens while no connection is open is not sent again. So a connection is never
repaired behind anybody's back. Its end (closed, key expired, a day old) is told once, and ``open`` makes the next one
before the last is let go, so that a planned change leaves no gap. An account has one key, which others may use: it is
never ended here, and that somebody has ended it, of which a connection is not told, is looked for every minute.
Events are handed over as text, exactly as received. Source: USDⓈ-M user data streams.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from src.application.ports.broker import BrokerError, BrokerRefused, NetworkError
from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_endpoints import CREATE_LISTEN_KEY, KEEP_LISTEN_KEY
from src.infrastructure.streams.ending import end_tasks

OnEvent = Callable[[str], None]
OnLost = Callable[[str], None]

KEEP_ALIVE_S: Final = 60.0
KEEP_ALIVE_AGAIN_S: Final = 30.0
ROTATE_S: Final = 23.5 * 3_600
OPEN_TIMEOUT_S: Final = 5.0
PING_S: Final = 20.0
MESSAGE_BYTES_MAX: Final = 1 << 20
_LOG = logging.getLogger("steadyhand.account")
EXPIRED: Final = '"listenKeyExpired"'


class BinanceUserStream:
    """The current connection of one key. ``ws_url`` is the root of the streams, without a path."""

    def __init__(self, client: BinanceClient, ws_url: str) -> None:
        self._client = client
        self._ws_url = ws_url.rstrip("/")
        self._keep_alive_s = KEEP_ALIVE_S
        self._current: _Connection | None = None

    async def open(self, on_event: OnEvent, on_lost: OnLost) -> None:
        """Connect; then, and only then, let the connection before go. Raises :class:`BrokerUnavailable`."""
        key = _key(await self._client.read(CREATE_LISTEN_KEY))
        if key is None:
            raise NetworkError("the exchange answers with no listen key")
        try:
            socket = await connect(
                f"{self._ws_url}/private/ws/{key}",
                compression=None,
                proxy=None,
                open_timeout=OPEN_TIMEOUT_S,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                max_size=MESSAGE_BYTES_MAX,
                max_queue=None,
            )
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, WebSocketException) as error:
            raise NetworkError(f"the user stream does not open: {type(error).__name__}") from None
        before, self._current = self._current, _Connection(socket, on_event, on_lost)
        self._current.start(self._keep_alive(self._current, key))
        if before is not None:
            await before.close()

    async def _keep_alive(self, connection: "_Connection", key: str) -> None:
        wait_s = self._keep_alive_s
        while True:
            await asyncio.sleep(wait_s)
            try:
                kept = _key(await self._client.read(KEEP_LISTEN_KEY))
                if kept not in (key, None):
                    connection.lose("somebody has ended the listen key, and there is another")
                    return
                wait_s = self._keep_alive_s
            except BrokerRefused as no:
                connection.lose(f"the listen key is not valid any more ({no.code})")
                return
            except BrokerError:
                # It is valid for an hour: there is time to ask again.
                wait_s = min(KEEP_ALIVE_AGAIN_S, self._keep_alive_s)

    async def close(self) -> None:
        """End the connection; nothing is told any more. The key expires by itself within the hour."""
        current, self._current = self._current, None
        if current is not None:
            await current.close()


def _key(answer: object) -> str | None:
    """The listen key that an answer names."""
    key = answer.get("listenKey") if isinstance(answer, dict) else None
    return key if isinstance(key, str) else None


class _Connection:
    """One socket with the tasks that serve it. Tells of its end at most once, and never after :meth:`close`."""

    def __init__(self, socket: ClientConnection, on_event: OnEvent, on_lost: OnLost) -> None:
        self._socket = socket
        self._on_event = on_event
        self._on_lost: OnLost | None = on_lost
        self._tasks: list[asyncio.Task[None]] = []
        self._rotation: asyncio.TimerHandle | None = None

    def start(self, keep_alive: Coroutine[Any, Any, None]) -> None:
        """Begin to read."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._read()), loop.create_task(keep_alive)]
        self._rotation = loop.call_later(ROTATE_S, self.lose, "the connection is nearly a day old")

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                raw = message if isinstance(message, str) else message.decode("utf-8", "backslashreplace")
                if EXPIRED in raw[:64]:
                    self.lose("the listen key expired")
                self._on_event(raw)
        except WebSocketException as error:
            self.lose(f"the connection broke: {type(error).__name__}")
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody hears of the account from here on
            _LOG.exception("user_stream.reading_failed")
            self.lose(f"it could not be read on: {type(error).__name__}")
        else:
            self.lose("the exchange closed the connection")

    def lose(self, reason: str) -> None:
        """Tell of the end; the socket is read on until the next one is open."""
        tell, self._on_lost = self._on_lost, None
        if tell is not None:
            tell(reason)

    async def close(self) -> None:
        """Stop reading and close the socket."""
        self._on_lost = None
        if self._rotation is not None:
            self._rotation.cancel()
        await end_tasks(self._tasks)
        await self._socket.close()
