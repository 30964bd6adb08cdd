"""The journal for people and programs: listed, exported byte for byte the same for equal histories, verified."""

import json
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from src.application.ports.store import JournalRecord
from src.interfaces.cli.composition import Application
from src.interfaces.cli.documents import print_document
from src.interfaces.cli.errors import CommandFailed
from src.interfaces.cli.tables import print_table
from src.interfaces.cli.texts import moment, short_id

PAYLOAD_SHOWN = 80


def verify_journal(app: Application, account_id: str, *, as_json: bool) -> None:
    """Check the hash chain; raises StoreCorrupt where it is broken."""
    records = app.verify_journal(account_id)
    reads = app.open_reads()
    try:
        head = reads.head(account_id)
    finally:
        reads.close()
    if as_json:
        print_document({"account_id": account_id, "records": records, "head": head})
    else:
        print(
            f"account {short_id(account_id)}: {records:,} records, the chain is intact, head {head.seq} {head.hash}"
        )


def export_journal(
    app: Application, account_id: str, target: str, after: int, kind: str | None, limit: int | None
) -> None:
    """Write one JSON object a record, of all or of the last; a file appears under its name only when it is complete.

    Raises :class:`CommandFailed` when it is there already: it may be anything, the database too.
    """
    reads = app.open_reads()
    try:
        records: Iterable[JournalRecord] = reads.journal(account_id, after, kind)
        if limit is not None:
            records = deque(records, maxlen=limit)
        if target == "-":
            _write(records, sys.stdout)
            return
        path = Path(target).expanduser()
        if path.exists():
            raise CommandFailed(f"{path} exists, and nothing is overwritten: name another file")
        unfinished = path.with_name(f"{path.name}.part")
        with open(unfinished, "w", encoding="utf-8") as file:
            count = _write(records, file)
        unfinished.replace(path)
    finally:
        reads.close()
    print(f"{path}: {count:,} records", file=sys.stderr)


def _write(records: Iterable[JournalRecord], file: TextIO) -> int:
    count = 0
    for record in records:
        line = asdict(record)
        # The payload is JSON already, in the spelling that was hashed; it stays a text so that nobody respells it.
        json.dump(line, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
        count += 1
    return count


def print_journal(
    app: Application, account_id: str, after: int, kind: str | None, limit: int, *, as_json: bool
) -> None:
    """The last records, oldest first."""
    reads = app.open_reads()
    try:
        records = list(deque(reads.journal(account_id, after, kind), maxlen=limit))
    finally:
        reads.close()
    if as_json:
        print_document({"account_id": account_id, "records": records})
        return
    columns = ("seq>", "time?", "kind", "about", "what")
    rows = [
        (str(each.seq), moment(each.at_ms), each.kind, each.key, _shortened(each.payload)) for each in records
    ]
    print_table(f"Journal of account {short_id(account_id)}", columns, rows)


def _shortened(text: str) -> str:
    return text if len(text) <= PAYLOAD_SHOWN else f"{text[:PAYLOAD_SHOWN]}…"
