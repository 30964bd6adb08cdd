"""What a local exchange is asked to be, as the command line and the composition root agree on it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TestnetRequest:
    """The local exchange that somebody wants.

    ``port`` 0 takes a free one. ``speed`` is market time over wall time, None as fast as it goes. ``data_dir`` None
    is a folder of its own in the data folder. ``limits`` False lifts every rate limit. ``live`` follows another
    exchange's market, that of ``market_url`` or of the settings.
    """

    __test__ = False  # Not a test, whatever its name begins with.

    port: int
    symbols: tuple[str, ...] = ()
    replay: tuple[Path, ...] = ()
    speed: float | None = 1.0
    loop: bool = False
    seed: int = 42
    data_dir: Path | None = None
    admin: bool = False
    strict_routes: bool = False
    faults: Path | None = None
    limits: bool = True
    live: bool = False
    market_url: str | None = None
