"""Tables as files for other programs: CSV with a header, or a JSON array of objects; amounts exact, times also as text.

A file is written beside its place and then moved there, so that nobody ever finds half of one.
"""

import csv
import json
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from src.interfaces.cli.documents import as_document
from src.interfaces.cli.errors import CommandFailed, ExitCode

Row = Mapping[str, Any]


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON = "json"


def moment_text(at_ms: int) -> str:
    """2026-01-05T23:59:01.003Z"""
    moment = datetime.fromtimestamp(at_ms // 1_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1_000:03d}Z"


def parse_format(text: str | None, path: Path) -> Format:
    """The format asked for; without a word JSON for a name that ends so, else CSV. Raises :class:`CommandFailed`."""
    if text is None:
        return Format.JSON if path.suffix.lower() == ".json" else Format.CSV
    try:
        return Format(text.lower())
    except ValueError:
        raise CommandFailed(
            f"--format {text} is not known: use csv or json", ExitCode.CONFIGURATION
        ) from None


STDOUT: Final = Path("-")


def export_to_stdout(format_name: str | None, columns: list[str], rows: Iterable[Row]) -> None:
    """The same for a pipe: nothing but the table."""
    kind = parse_format(format_name, STDOUT)
    if kind is Format.JSON:
        _write_json(sys.stdout, rows)
    else:
        _write_csv(sys.stdout, columns, rows)


def export(
    path: Path, format_name: str | None, columns: list[str], rows: Iterable[Row], *, force: bool
) -> int:
    """Write rows under their columns; returns how many.

    Raises :class:`CommandFailed` when the file exists and ``force`` is not set, or when it cannot be written.
    """
    kind = parse_format(format_name, path)
    try:
        if path.is_dir():
            raise CommandFailed(f"{path} is a folder: name a file in it", ExitCode.CONFIGURATION)
        if path.exists() and not path.is_file():
            # A device or a pipe: moving a file to its place would end it for everybody.
            raise CommandFailed(f"{path} is no file: name one, or - for stdout", ExitCode.CONFIGURATION)
        draft = path.with_name(f".{path.name}.{os.getpid()}.part")
        if not force:
            # The name is taken first: nobody's file is replaced, not even one that appears meanwhile.
            path.touch(exist_ok=False)
        return _write(draft, path, kind, columns, rows, keep=force)
    except FileExistsError:
        raise CommandFailed(f"{path} exists: give another name, or --force to replace it") from None
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written ({error.strerror}): give another place") from None


def _write(
    draft: Path, path: Path, kind: Format, columns: list[str], rows: Iterable[Row], *, keep: bool
) -> int:
    """Write the draft and move it to its place; if that fails, what was there is kept or the empty name removed."""
    done = False
    try:
        with draft.open("x", newline="", encoding="utf-8") as file:
            count = _write_json(file, rows) if kind is Format.JSON else _write_csv(file, columns, rows)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        done = True
        return count
    finally:
        if not done:
            draft.unlink(missing_ok=True)
            if not keep:
                path.unlink(missing_ok=True)


def _write_csv(file: Any, columns: list[str], rows: Iterable[Row]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(["" if row[name] is None else as_document(row[name]) for name in columns])
        count += 1
    return count


def _write_json(file: Any, rows: Iterable[Row]) -> int:
    written = [as_document(row) for row in rows]
    json.dump(written, file, ensure_ascii=False, indent=1)
    file.write("\n")
    return len(written)
