"""What every part of the engine stands on: memory, file, and the commit between a change and its answer."""

from collections.abc import Callable, Iterable

from src.domain.market.instrument import Instrument
from src.infrastructure.simulated_exchange import clockwork, liquidation, snapshot
from src.infrastructure.simulated_exchange.accounts import Account
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.errors import ExchangeStopped
from src.infrastructure.simulated_exchange.records import UserEvent
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from src.infrastructure.simulated_exchange.state import LOOK_MS, Changes, ExchangeState
from src.infrastructure.simulated_exchange.store import ExchangeStore
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket


def no_cursor() -> str:
    """A market without a place to come back to."""
    return ""


class EngineCore:
    """The exchange's memory over its file. Its methods belong to the engine alone, but for the public ones."""

    def __init__(
        self,
        store: ExchangeStore,
        instruments: Iterable[Instrument],
        *,
        rules: ExchangeRules | None = None,
        cursor: Callable[[], str] = no_cursor,
    ) -> None:
        self._store = store
        self._cursor = cursor
        self._events: list[UserEvent] = []
        self._failed = False
        self._is_held = False
        markets = {one.symbol: SymbolMarket(one) for one in instruments}
        self._state = ExchangeState(rules or ExchangeRules(), markets)
        self._markets = self._state.markets
        self._wake_ms = self._due_ms = 0
        # Whether nobody looks at margins before a price is above what every account can bear.
        self._rests = False
        self.committed_cursor = ""
        saved = store.snapshot()
        if saved is not None:
            hanging = saved.get(snapshot.HANGING_ALGOS, ())
            snapshot.restore(self._state, saved, store.open_orders(), store.open_algos(hanging))
            self.committed_cursor = saved["cursor"]
            self._sleep()

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What is traded, with the filters of now."""
        return tuple(market.instrument for market in self._markets.values())

    def instrument(self, symbol: str) -> Instrument:
        """One of them; -1121 for a symbol that is not traded."""
        return self._state.market(symbol).instrument

    @property
    def now_ms(self) -> int:
        """Engine time: the highest event time seen, in ms since the epoch; never goes back."""
        return self._state.now_ms

    def account_id(self, number: int) -> str | None:
        """The id an account was created with, or None when there is no such account."""
        account = self._state.accounts.get(number)
        return None if account is None else account.account_id

    def hold(self) -> None:
        """Let what follows share one commit: until :meth:`release`, no answer is durable, no event is handed out."""
        self._is_held = True

    def release(self) -> bool:
        """End a hold and commit what it covered; return whether there was anything."""
        self._is_held = False
        return self._commit_changes()

    def settle(self) -> None:
        """Commit what a hold covers so far, if anything: somebody is about to hear of it. The hold goes on."""
        if self._is_held and self._state.changes:
            self._is_held = False
            self._commit()
            self._is_held = True

    def checkpoint(self) -> None:
        """Commit as it stands, with the market's present cursor."""
        self._state.changes.state = True
        self._commit()

    def memory(self) -> snapshot.Snapshot:
        """What the next commit would store beside its rows; two engines that go on alike have equal ones."""
        return snapshot.take(self._state, self.committed_cursor)

    def take_events(self, *, ahead: bool = False) -> list[UserEvent]:
        """What has happened since the last time, in order; all of it is durable.

        With ``ahead`` comes what a hold covers, too: for those who :meth:`settle` before anybody hears of it.
        """
        events = self._events
        self._events = []
        if ahead and self._is_held:
            events += self._state.changes.events
            self._state.changes.events.clear()
        return events

    def _account(self, number: int) -> Account:
        if self._failed:
            raise ExchangeStopped("an earlier commit failed")
        return self._state.accounts[number]

    def _run_due(self, now_ms: int, *, may_rest: bool = False) -> bool:
        """Let time come to ``now_ms`` and do what is due then; return whether that may have changed anything.

        With ``may_rest``, looks at margins are left out while :meth:`_look_soon` is told of every price that could
        lead to another answer.
        """
        state = self._state
        self._rests = False
        state.now_ms = now_ms = max(now_ms, state.now_ms)
        if now_ms < self._due_ms and liquidation.is_at_ease(state):
            state.looked_s = second = now_ms // LOOK_MS
            if may_rest:
                liquidation.note_calm(state)
                self._rests = True
                self._wake_ms = self._due_ms
            else:
                self._wake_ms = min((second + 1) * LOOK_MS, self._due_ms)
            return False
        clockwork.run_due(state)
        self._sleep()
        return True

    def _look_soon(self) -> None:
        """Look at margins with the next second: something has changed since no look was needed."""
        if self._rests:
            self._rests = False
            self._state.looked_s = second = self._state.now_ms // LOOK_MS
            self._wake_ms = min((second + 1) * LOOK_MS, self._due_ms)

    def _sleep(self) -> None:
        """Note when something is due: the next look at margins, and what else time brings."""
        self._due_ms = clockwork.next_date_ms(self._state)
        self._wake_ms = min((self._state.now_ms // LOOK_MS + 1) * LOOK_MS, self._due_ms)

    def _answer(self, answer: Answer) -> Answer:
        self._commit_changes()
        return answer

    def _commit_changes(self) -> bool:
        if not self._state.changes:
            return False
        self._commit()
        return True

    def _commit(self) -> None:
        if self._failed:
            raise ExchangeStopped("an earlier commit failed")
        self._look_soon()
        self._state.eases.clear()
        self._due_ms = 0
        if self._is_held:
            return
        changes = self._state.changes
        self._failed = True
        cursor = self._cursor()
        self._store.commit(changes, snapshot.take(self._state, cursor))
        self._failed = False
        self.committed_cursor = cursor
        self._events += changes.events
        self._state.changes = Changes()
        self._state.has_trailed = False
