"""Files of bars for tests: seeded, small, in the layouts that are read."""

import gzip
import random
import zipfile
from collections.abc import Iterable
from pathlib import Path

START_MS = 1_640_995_200_000
"""2022-01-01T00:00:00Z."""
MINUTE_MS = 60_000

Row = tuple[int, str, str, str, str, str]


def rows(
    seed: int, count: int, start_ms: int = START_MS, step_ms: int = MINUTE_MS, price: int = 400_000
) -> list[Row]:
    """A walk in ticks of 0.1; now and then a bar without volume or one that stands still."""
    dice = random.Random(seed)
    found = []
    for number in range(count):
        close = max(10_000, price + dice.randint(-900, 900))
        if dice.random() < 0.05:
            close = price
        spread = dice.choice((0, 150, 700))
        high, low = max(price, close) + dice.randint(0, spread), min(price, close) - dice.randint(0, spread)
        volume = "0" if dice.random() < 0.05 else f"{dice.randint(1, 900_000) / 1000:.3f}"
        texts = [f"{value / 10:.1f}" for value in (price, high, low, close)]
        found.append((start_ms + number * step_ms, texts[0], texts[1], texts[2], texts[3], volume))
        price = close
    return found


def lines(bars: Iterable[Row], header: str = "timestamp,open,high,low,close,volume\n") -> str:
    return header + "".join(",".join(map(str, row)) + "\n" for row in bars)


def write(path: Path, text: str) -> Path:
    """Write a file the way its name says: .gz, .zip or plain."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.stem, text)
    else:
        path.write_text(text, "utf-8")
    return path
