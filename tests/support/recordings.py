"""Where the recorded market data are: no part of the project, and not on every machine."""

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "RECORDED_MARKET_DATA"
FOLDER: Final = "market-data"
FRAMES: Final = "*.ws.gz"
BARS: Final = "*-1m-*.csv.gz"
NONE_FOUND: Final = f"no recorded market data: name their folder in {VARIABLE}"

_CHECKOUT: Final = Path(__file__).resolve().parents[2]


def recordings_folder(checkout: Path = _CHECKOUT) -> Path | None:
    """The folder named by ``RECORDED_MARKET_DATA``, else ``market-data`` beside the checkout or in a folder beside it.

    What the variable names is taken at its word, whether it exists or not; None where nothing is found.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    beside = checkout.parent
    found = [beside / FOLDER, *sorted(beside.glob(f"*/{FOLDER}"))]
    return next((folder for folder in found if folder.is_dir()), None)


def recorded_files(folder: Path | None, pattern: str = FRAMES) -> list[Path]:
    """The recorded files of ``folder`` in the order of their names; none without a folder."""
    return sorted(folder.glob(pattern)) if folder else []
