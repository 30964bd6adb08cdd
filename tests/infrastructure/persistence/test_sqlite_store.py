import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from src.domain.ledger.evolve import evolve, fold
from src.domain.ledger.state import Ledger
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import create_sqlite
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.support.ledger_builders import ACCOUNT, History, histories, ledger_snapshot


def a_store(folder: Path) -> SqliteStore:
    path = folder / "steadyhand.db"
    if not path.exists():
        create_sqlite(path)
    return SqliteStore(path, synchronous="OFF")


@given(histories(), st.data())
def test_a_loaded_ledger_is_the_one_in_memory_and_the_fold_of_the_journal(
    history: History, data: st.DataObject
):
    with TemporaryDirectory() as folder:
        asyncio.run(_check(Path(folder), history, data))


async def _check(folder: Path, history: History, data: st.DataObject) -> None:
    store = a_store(folder)
    store.open_account(ACCOUNT, history[0][0])
    store.acquire("account-1", "a test")
    ledger = store.load("account-1")
    assert ledger is not None
    rest = history[1:]
    while rest:
        size = data.draw(st.integers(1, 4))
        batch, rest = rest[:size], rest[size:]
        for at_ms, event in batch:
            order_id = getattr(event, "client_order_id", "")
            if order_id and order_id not in ledger.orders:
                settled = store.find_order(order_id)
                if settled is not None:
                    ledger.adopt_order(settled)
            store.stage(at_ms, [event])
            evolve(ledger, event, at_ms)
        await store.commit(ledger)

    reads = SqliteReadModels(folder / "steadyhand.db")
    loaded = reads.ledger("account-1")
    folded = fold([(r.at_ms, decode(r.kind, r.payload)) for r in reads.journal("account-1")])
    reads.close()
    assert store.verify() == len(history)
    await store.close()

    assert isinstance(loaded, Ledger)
    assert ledger_snapshot(loaded) == ledger_snapshot(ledger)
    assert ledger_snapshot(loaded) == ledger_snapshot(folded)
