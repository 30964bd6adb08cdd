"""One request, one transmission: the transport under everything that is sent to Binance.

It hands back status and body as they came and says whether a byte may have left. It never follows a redirect, never
sends a request a second time (not even on a connection that turns out to be stale), and never looks at a proxy in
the environment: a signed request goes to one host, once, or not at all.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from yarl import URL

TIMEOUT_S: Final = 10.0
BODY_BYTES_MAX: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came. Header names are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class NoReply(Exception):
    """There is no whole answer. ``sent``: whether a byte of the request may have left this process."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class BinanceTransport:
    """A pool of connections that is opened with the first request. Close it with :meth:`close`."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, 5.0))
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Reply:
        """Send one request and return the answer, whatever its status; raises :class:`NoReply` without one."""
        session = self._session or self._open()
        progress = SimpleNamespace(connected=False)
        try:
            async with session.request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=None if body is None else body.encode(),
                allow_redirects=False,
                trace_request_ctx=progress,
            ) as response:
                content = await _whole(response.content)
                return Reply(response.status, content, {k.lower(): v for k, v in response.headers.items()})
        except TimeoutError:
            raise NoReply("no answer in time", sent=progress.connected) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoReply(_reason(error), sent=progress.connected) from None

    def _open(self) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        # Before a connection is there nothing can have been written; from then on it is not known any more.
        trace.on_connection_create_end.append(_connected)
        trace.on_connection_reuseconn.append(_connected)
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            trust_env=False,
            trace_configs=[trace],
            auto_decompress=True,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=55.0, ttl_dns_cache=60),
        )
        # aiohttp repeats PUT and DELETE on a stale connection by itself; there is no public switch for it.
        self._session._retry_connection = False
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            # The transports close in the loop's next turns.
            await asyncio.sleep(0)


async def _whole(stream: aiohttp.StreamReader) -> bytes:
    """The body to its end, in however many pieces it comes."""
    content = await stream.read(BODY_BYTES_MAX)
    if stream.at_eof():
        return content
    pieces, length = [content], len(content)
    while piece := await stream.read(BODY_BYTES_MAX):
        pieces.append(piece)
        length += len(piece)
        if length > BODY_BYTES_MAX:
            raise NoReply(f"the answer is longer than {BODY_BYTES_MAX} bytes", sent=True)
    return b"".join(pieces)


async def _connected(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
    context.trace_request_ctx.connected = True


def _reason(error: Exception) -> str:
    """The error's own words without addresses or parameters: a signed query must not end up in a log."""
    return type(error).__name__
