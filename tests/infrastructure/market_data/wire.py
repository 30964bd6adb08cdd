"""Lines of a recording as the exchange words them, for tests to write files with."""

import gzip
import json
from pathlib import Path
from typing import Any

from src.infrastructure.market_data.frames import MarketFrame
from src.infrastructure.market_data.source import MarketSource

START_MS = 1_723_161_256_000


def ticker(
    update_id: int, bid: str = "61800.20", ask: str = "61800.30", symbol: str = "BTCUSDT", **more: Any
) -> dict[str, Any]:
    return {
        "e": "bookTicker",
        "u": update_id,
        "s": symbol,
        "b": bid,
        "B": "2.507",
        "a": ask,
        "A": "2.510",
        "T": START_MS,
        "E": START_MS,
        **more,
    }


def trade(trade_id: int, price: str = "61800.30", symbol: str = "BTCUSDT", **more: Any) -> dict[str, Any]:
    return {
        "e": "trade",
        "E": START_MS,
        "T": START_MS,
        "s": symbol,
        "t": trade_id,
        "p": price,
        "q": "0.006",
        "X": "MARKET",
        "m": False,
        **more,
    }


def depth(
    first: int,
    final: int,
    previous: int,
    bids: list[list[str]],
    asks: list[list[str]],
    symbol: str = "BTCUSDT",
    **more: Any,
) -> dict[str, Any]:
    return {
        "e": "depthUpdate",
        "E": START_MS,
        "T": START_MS,
        "s": symbol,
        "U": first,
        "u": final,
        "pu": previous,
        "b": bids,
        "a": asks,
        **more,
    }


def snapshot(last: int, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    return {"lastUpdateId": last, "E": START_MS, "T": START_MS, "bids": bids, "asks": asks}


def combined(event: dict[str, Any]) -> dict[str, Any]:
    return {"stream": f"{event['s'].lower()}@{event['e']}", "data": event}


def line(received_ms: int, message: dict[str, Any]) -> str:
    """One line, received so many ms after the start."""
    return f"{(START_MS + received_ms) * 1_000_000} {json.dumps(message, separators=(',', ':'))}"


def write(path: Path, lines: list[str]) -> Path:
    """Write a recording; packed when the name ends in .gz."""
    content = "".join(text + "\n" for text in lines).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def frames_of(market: MarketSource) -> list[MarketFrame]:
    """Every frame that is left."""
    return list(iter(market.next_frame, None))


def tickers(count: int, first_ms: int = 0, step_ms: int = 10, symbol: str = "BTCUSDT") -> list[str]:
    """Lines of equal quotes, received at even intervals."""
    return [line(first_ms + n * step_ms, combined(ticker(n + 1, symbol=symbol))) for n in range(count)]
