"""Which market a paper session runs on: recorded frames, bars, or the synthetic one; how markets are told apart."""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from src.application.trading.session_loop import TICK_MS
from src.domain.market.candle import timeframe_ms
from src.domain.market.quality import QualityLimits
from src.domain.performance.equity import DAY_MS
from src.infrastructure.market_data.bar_file import is_bar_file
from src.infrastructure.market_data.bars import BarMarket
from src.infrastructure.market_data.instruments import shipped_instrument
from src.infrastructure.market_data.recorded import RecordedMarket
from src.infrastructure.market_data.source import MarketSource, SourceError
from src.infrastructure.market_data.synthetic import SyntheticMarket

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT")
_CHUNK = 1 << 20
_BARS_BETWEEN_LOOKS = 5
_LONG_BAR_MS = 300_000


def open_market(replay: Sequence[Path], symbols: Sequence[str], seed: int) -> MarketSource:
    """Open the files, recorded frames or bars, or make the synthetic market; raises SourceError with cause and fix."""
    bars = [path for path in replay if is_bar_file(path)]
    if bars:
        if len(bars) < len(replay):
            raise SourceError("Bars and recorded frames do not make one market. Name files of one kind.")
        return BarMarket(replay, symbols)
    if replay:
        known = (shipped_instrument(symbol) for symbol in symbols)
        return RecordedMarket(replay, [instrument for instrument in known if instrument is not None])
    return SyntheticMarket(symbols or DEFAULT_SYMBOLS, seed)


def market_timeframe(source: MarketSource, timeframe: str) -> str:
    """The timeframe to trade on: the one given, or that of the bars where it is not made of them."""
    if isinstance(source, BarMarket) and timeframe_ms(timeframe) % source.step_ms:
        return source.timeframe
    return timeframe


def check_timeframe(source: MarketSource, timeframe: str) -> None:
    """Raise ValueError for a timeframe that the market's bars do not add up to."""
    fitting = market_timeframe(source, timeframe)
    if fitting != timeframe:
        raise ValueError(
            f"candles of {timeframe} cannot be made of bars of {fitting}: choose --timeframe {fitting}"
        )


def tick_ms_of(source: MarketSource) -> int:
    """How often watchdogs look: every second of session time; in a market of bars, which has none, every few bars.

    Between two bars nothing happens that a watchdog could see; what orders lead to does not wait for it.
    """
    if not isinstance(source, BarMarket):
        return TICK_MS
    return source.step_ms if source.step_ms >= _LONG_BAR_MS else _BARS_BETWEEN_LOOKS * source.step_ms


def mark_equity_ms_of(source: MarketSource, interval_ms: int) -> int:
    """How often the equity curve gets a point: as often as asked for, with a bar for each second of it, but every day.

    Returns of days and the table of days are made of these points.
    """
    if not isinstance(source, BarMarket):
        return interval_ms
    return min(interval_ms * source.step_ms // TICK_MS, DAY_MS)


def keeps_candles(source: MarketSource) -> bool:
    """Whether a session keeps the candles it sees: not those of bars, which are a file of candles themselves."""
    return not isinstance(source, BarMarket)


def synchronous_of(source: MarketSource, speed: float | None, asked: str) -> str:
    """SQLite's synchronous setting for a session: as asked for, but NORMAL for bars worked off without a pace.

    A killed process loses nothing either way; of a month that can be traded again in seconds, a power cut may take
    the last moments (decision 0020).
    """
    return "NORMAL" if isinstance(source, BarMarket) and speed is None and asked == "FULL" else asked


def flaws_of(source: MarketSource) -> tuple[str, ...]:
    """What was wrong with the files read so far, a line for each kind of trouble; nothing when nothing was."""
    bad, went_back = source.statistics.bad_lines, source.statistics.time_went_back
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(bad.items()))
    passed_over = (f"{bad.total()} lines were passed over: {told}",) if told else ()
    lifted = (f"{went_back} frames were received before the one ahead of them, and take its time",)
    return passed_over + (lifted if went_back else ())


def quality_of(source: MarketSource, limits: QualityLimits) -> QualityLimits:
    """The gates for a market: bars come at their pace and were checked when they were read, so one quote is enough."""
    if not isinstance(source, BarMarket):
        return limits
    pace_ms = 2 * source.step_ms
    return replace(limits, stale_ms=pace_ms, gap_ms=pace_ms, confirmations=1, settle_ms=0)


def try_market(replay: Sequence[Path], symbols: Sequence[str], seed: int) -> None:
    """Open a market and let it go again; raises SourceError or ValueError when it cannot be, or lacks a symbol."""
    with closing(open_market(replay, symbols, seed)) as source:
        missing = [symbol for symbol in symbols if symbol not in source.instruments]
        if missing:
            known = ", ".join(sorted(source.instruments))
            raise ValueError(f"{', '.join(missing)} is not in this market: it has {known}")


def market_id(replay: Sequence[Path], symbols: Sequence[str], seed: int) -> str:
    """A short name that differs for different markets; files are their content, not their place.

    Raises SourceError when a file cannot be read.
    """
    if not replay:
        return f"synthetic {','.join(symbols or DEFAULT_SYMBOLS)} seed {seed}"
    kind = "bars" if any(map(is_bar_file, replay)) else "recording"
    return f"{kind} " + "+".join(_digest(path)[:12] for path in replay)


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
