"""Which market a paper session runs on: recorded files, or the synthetic one; and how markets are told apart."""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from src.infrastructure.market_data.instruments import shipped_instrument
from src.infrastructure.market_data.recorded import RecordedMarket
from src.infrastructure.market_data.source import MarketSource, SourceError
from src.infrastructure.market_data.synthetic import SyntheticMarket

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT")
_CHUNK = 1 << 20


def open_market(replay: Sequence[Path], symbols: Sequence[str], seed: int) -> MarketSource:
    """Open the recorded files, or make the synthetic market; raises SourceError with cause and fix."""
    if replay:
        known = (shipped_instrument(symbol) for symbol in symbols)
        return RecordedMarket(replay, [instrument for instrument in known if instrument is not None])
    return SyntheticMarket(symbols or DEFAULT_SYMBOLS, seed)


def try_market(replay: Sequence[Path], symbols: Sequence[str], seed: int) -> None:
    """Open a market and let it go again; raises SourceError or ValueError when it cannot be, or lacks a symbol."""
    with closing(open_market(replay, symbols, seed)) as source:
        missing = [symbol for symbol in symbols if symbol not in source.instruments]
        if missing:
            known = ", ".join(sorted(source.instruments))
            raise ValueError(f"{', '.join(missing)} is not in this market: it has {known}")


def market_id(replay: Sequence[Path], symbols: Sequence[str], seed: int) -> str:
    """A short name that differs for different markets; a recording is its content, not its place.

    Raises SourceError when a file cannot be read.
    """
    if not replay:
        return f"synthetic {','.join(symbols or DEFAULT_SYMBOLS)} seed {seed}"
    return "recording " + "+".join(_digest(path)[:12] for path in replay)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        raise SourceError(f"there is no file {path}: check the path after --replay") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}): check its permissions") from None
    return digest.hexdigest()
