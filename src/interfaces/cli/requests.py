"""What the flags of ``start-session`` ask for beside settings, checked before anything is opened."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from src.interfaces.cli.composition import ConfigurationError, SessionRequest
from src.interfaces.cli.units import parse_duration

SPEED_MIN = Decimal("0.001")
SPEED_MAX = Decimal(1_000_000)
_EXCHANGES = ("paper", "testnet", "live")


def check_exchange(name: str) -> None:
    """Refuse what there is not."""
    if name not in _EXCHANGES:
        raise ConfigurationError(
            f"--exchange {name} is none of {', '.join(_EXCHANGES)}: leave it out to trade on paper"
        )


def session_request(
    duration: str,
    replay: Sequence[str],
    speed: str,
    flatten: bool,
    given: Mapping[str, str],
    bars: Sequence[str] = (),
    exchange: str = "paper",
    *,
    resume: bool = False,
) -> SessionRequest:
    """The request; raises :class:`ConfigurationError` for a flag that cannot be read or a file that is not there."""
    check_exchange(exchange)
    if exchange != "paper" and (replay or bars):
        raise ConfigurationError(f"recorded data is for paper: leave out --exchange {exchange}")
    try:
        duration_ms = None if duration.strip().lower() == "none" else parse_duration(duration)
    except ValueError as error:
        raise ConfigurationError(f"--duration {error}, or none") from None
    return SessionRequest(
        duration_ms=duration_ms,
        replay=tuple(
            [path for text in replay for path in _paths(text, "--replay", "recorded frames")]
            + [path for text in bars for path in _paths(text, "--bars", "bars")]
        ),
        speed=_speed(speed),
        flatten=flatten,
        given=frozenset(given),
        exchange=exchange,
        resume=resume,
    )


def _speed(text: str) -> Decimal | None:
    if text.strip().lower() == "max":
        return None
    try:
        speed = Decimal(text)
    except InvalidOperation:
        speed = Decimal(0)
    if not speed.is_finite() or not SPEED_MIN <= speed <= SPEED_MAX:
        raise ConfigurationError(
            f"--speed {text} is no speed: write a number from {SPEED_MIN} to {SPEED_MAX:,}, or max"
        )
    return speed


def _paths(text: str, flag: str, kind: str) -> list[Path]:
    """The file, or the files when several were written in one argument; each must be there."""
    whole = Path(text).expanduser()
    paths = (
        [whole] if whole.exists() or not text.strip() else [Path(part).expanduser() for part in text.split()]
    )
    for path in paths:
        if not path.is_file():
            problem = "is a folder" if path.is_dir() else "does not exist"
            raise ConfigurationError(f"{flag} {path} {problem}: name a file of {kind}")
    return paths


def require_symbols(symbols: Sequence[str] | None) -> None:
    """Refuse a flag that names none: the session would trade what the settings name. Raises ConfigurationError."""
    if symbols is not None and not "".join(symbols).replace(",", "").strip():
        raise ConfigurationError("--symbols names none: write it like BTCUSDT,ETHUSDT, or leave it out")
