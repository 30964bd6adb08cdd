"""The program's own log files: found, filtered, followed, exported."""

import errno
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import sleep
from typing import Any, Final, TextIO

from src.interfaces.cli.errors import CommandFailed, ExitCode

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_POLL_S: Final = 0.2
_OWN: Final = frozenset({"ts", "level", "logger", "event"})


class LogFormat(StrEnum):
    """How lines are printed: for people, or as they are stored."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: at least ``level``, containing ``search`` in any case, matching ``pattern``."""

    level: str
    search: str
    pattern: re.Pattern[str] | None

    @staticmethod
    def of(level: str, search: str, grep: str) -> "Wanted":
        """From what was written; raises :class:`CommandFailed` for an unknown level or a broken pattern."""
        name = level.strip().lower()
        if name not in LEVELS:
            text = f"--level {level} is none of {', '.join(LEVELS)}: choose one"
            raise CommandFailed(text, ExitCode.CONFIGURATION)
        try:
            pattern = re.compile(grep) if grep else None
        except re.error as error:
            text = f"--grep {grep} is no regular expression ({error}): correct it, or use --search"
            raise CommandFailed(text, ExitCode.CONFIGURATION) from None
        return Wanted(name, search.lower(), pattern)

    def matches(self, line: str) -> bool:
        """Whether a stored line is wanted; one that cannot be read counts as an error, lest it be missed."""
        level = str(_fields(line).get("level", "error"))
        return (
            (level not in LEVELS or LEVELS.index(level) >= LEVELS.index(self.level))
            and (not self.search or self.search in line.lower())
            and (self.pattern is None or self.pattern.search(line) is not None)
        )


def log_path(data_dir: Path, *, trades: bool) -> Path:
    """The log's newest file; raises :class:`CommandFailed` when nothing was logged yet, OSError when nothing can be."""
    folder = data_dir / "logs"
    if folder.is_file():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(folder))
    path = folder / "trading" / "trades.log" if trades else folder / "steadyhand.log"
    if not path.exists():
        raise CommandFailed(f"there is no {path.name} yet: a session writes it", ExitCode.NOT_FOUND)
    return path


def last_lines(path: Path, wanted: Wanted, limit: int | None) -> list[str]:
    """The last lines that are wanted, oldest first, from all files that were moved aside too."""
    kept: deque[str] = deque(maxlen=limit)
    for file in (*reversed(_older(path)), path):
        kept.extend(line for line in _lines(file) if wanted.matches(line))
    return list(kept)


def follow(path: Path, wanted: Wanted, show: Callable[[str], None]) -> None:
    """Show what is written from now on, also after the file was moved aside; ends with KeyboardInterrupt."""
    file = path.open(encoding="utf-8", errors="replace")
    file.seek(0, os.SEEK_END)
    try:
        begun = ""
        while True:
            begun += file.readline()
            if begun.endswith("\n"):
                if wanted.matches(begun):
                    show(begun.rstrip("\n"))
                begun = ""
            elif _leads_elsewhere(path, file):
                file.close()
                file = path.open(encoding="utf-8", errors="replace")
            else:
                sleep(_POLL_S)
    finally:
        file.close()


def _leads_elsewhere(path: Path, file: TextIO) -> bool:
    """Whether another file stands at the path by now; between two of them there is none for a moment."""
    try:
        return not os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def export(lines: list[str], name: str, form: LogFormat) -> Path:
    """Write the lines to a new file; raises :class:`CommandFailed` when it is there already."""
    path = Path(name).expanduser()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(f"{shown(line, form)}\n" for line in lines)
    except FileExistsError:
        raise CommandFailed(f"{name} exists, and nothing is overwritten: name another file") from None
    return path


def shown(line: str, form: LogFormat) -> str:
    """A stored line as it is printed."""
    fields = _fields(line)
    if form is LogFormat.JSON or not fields:
        return line
    more = " ".join(f"{name}={_word(value)}" for name, value in fields.items() if name not in _OWN)
    moment = str(fields.get("ts", "")).replace("T", " ").removesuffix("Z")
    words = (moment, f"{str(fields.get('level', '')).upper():<7}", str(fields.get("event", "")), more)
    return " ".join(words).rstrip()


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _fields(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _older(path: Path) -> list[Path]:
    """The files that were moved aside, newest first."""
    files: list[Path] = []
    while (file := path.with_name(f"{path.name}.{len(files) + 1}")).exists():
        files.append(file)
    return files


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            yield line.rstrip("\n")
