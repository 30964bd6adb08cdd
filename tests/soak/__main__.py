"""``python -m tests.soak --minutes 30``: trade on the local exchange while it and the session are mistreated.

At the end both come to rest, and their files are compared. The recorded market is taken from ``--market-data``, again
and again; without it the synthetic one is traded. A run is repeated by its seed, as far as processes repeat anything.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.soaking import Soak
from tests.support.recordings import recorded_files, recordings_folder

PORT = 18_300


def main() -> int:
    """Run it; the exit code is the verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--market-data", type=Path, default=recordings_folder())
    parser.add_argument("--keep", action="store_true", help="keep the folder with files and logs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="steadyhand-soak-"))
    soak = Soak(folder, options.port, options.seed, _market(options.market_data))
    begun = time.monotonic()
    soak.run(options.minutes * 60)
    print(soak.figures(time.monotonic() - begun))
    for violation in soak.violations:
        print(f"  {violation}")
    if soak.violations or options.keep:
        print(f"files and logs: {folder}")
    else:
        soak.clean()
    return 1 if soak.violations else 0


def _market(folder: Path | None) -> tuple[str, ...]:
    files = recorded_files(folder)
    if not files:
        return ("--speed", "3")
    return (*(argument for path in files for argument in ("--replay", str(path))), "--speed", "10", "--loop")


if __name__ == "__main__":
    sys.exit(main())
