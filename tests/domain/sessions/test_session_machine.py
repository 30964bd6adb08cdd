"""Whatever happens to a session, in any order: what its states promise holds."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from src.domain.decisions import news as n
from src.domain.ledger.events import DifferenceFound, SessionMoved, TradingMoved
from src.domain.ledger.evolve import fold
from src.domain.sessions.session import SessionTrigger, TradingSessionStatus
from src.domain.sessions.trading_states import TradingState, TradingTrigger
from src.domain.shared.errors import IllegalTransition
from tests.support.domain_builders import some_options
from tests.support.domain_scene import Scene

S, T = TradingSessionStatus, SessionTrigger
BY_HAND = st.sampled_from([T.PAUSE, T.RESUME, T.STOP, T.CLEANED_UP, T.FAIL])


class SessionMachine(RuleBasedStateMachine):
    """A session that is moved, halted, killed and taken over as anybody likes."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.epoch = 1
        self.rearmed = False

    @property
    def status(self) -> TradingSessionStatus:
        session = self.scene.ledger.session
        assert session is not None
        return session.status

    def decide(self, news: n.News) -> list[Any]:
        """Decide, and check what every step must keep."""
        before, halted = self.status, self.scene.ledger.account.trading_state is TradingState.HALTED
        events = self.scene.decide(news).events
        moves = [event.trigger for event in events if isinstance(event, SessionMoved)]
        if self.status is S.RUNNING and before is not S.RUNNING:
            assert moves[-1] in (T.INITIALIZED, T.RESUME), (
                "RUNNING is reached through recovery, or from a pause"
            )
        if before is S.STOPPING:
            assert self.status in (S.STOPPING, S.STOPPED, S.ERROR), "what stops does not trade again"
        if halted and self.scene.ledger.account.trading_state is not TradingState.HALTED:
            assert isinstance(news, n.MoveTrading) and news.trigger is TradingTrigger.REARM
        return events

    @rule(trigger=BY_HAND)
    def somebody_moves_it(self, trigger: SessionTrigger) -> None:
        before = len(self.scene.journal)
        try:
            self.decide(n.MoveSession(trigger, "wanted"))
        except IllegalTransition:
            assert len(self.scene.journal) == before, "an illegal step leaves no trace"

    @rule()
    def a_new_process_takes_over(self) -> None:
        paused, before = self.status is S.PAUSED, self.status
        self.epoch += 1
        self.decide(n.TakeOver(self.epoch))
        assert self.scene.ledger.account.epoch == self.epoch
        if before not in (S.STOPPED, S.STOPPING):
            assert self.status is S.STARTING
        if paused:
            session = self.scene.ledger.session
            assert session is not None and session.resume_paused

    @rule(differs=st.booleans())
    def recovery_concludes(self, differs: bool) -> None:
        found = (DifferenceFound("wallet USDT", "1", "2", "halts"),) if differs else ()
        session = self.scene.ledger.session
        assert session is not None
        starting, paused = self.status is S.STARTING, session.resume_paused
        self.decide(n.RecoveryConcluded("a test", 0, 0, 0, found))
        if starting:
            assert self.status is (S.PAUSED if paused else S.RUNNING)
        if differs:
            assert self.scene.ledger.account.trading_state is TradingState.HALTED

    @precondition(lambda self: self.status is S.STOPPED)
    @rule()
    def another_is_opened(self) -> None:
        self.decide(n.OpenSession(f"session {self.epoch}", some_options()))
        assert self.status is S.STARTING

    @rule(trigger=st.sampled_from(TradingTrigger), flatten=st.booleans())
    def trading_is_moved(self, trigger: TradingTrigger, flatten: bool) -> None:
        self.decide(n.MoveTrading(trigger, "wanted", "operator", flatten))

    @rule(days=st.integers(0, 2))
    def time_passes(self, days: int) -> None:
        self.scene.now_ms += 1_000 + days * 86_400_000
        events = self.decide(n.Tick(mark_equity=True))
        assert not any(isinstance(event, TradingMoved) for event in events)

    @invariant()
    def an_ended_session_has_its_time_and_no_other(self) -> None:
        session = self.scene.ledger.session
        assert session is not None
        assert (session.stopped_ms is not None) is (session.status is S.STOPPED)
        assert session.is_unfinished is (session.status is not S.STOPPED)

    @invariant()
    def the_journal_leads_to_the_same_session(self) -> None:
        assert fold(self.scene.journal).session == self.scene.ledger.session


SessionMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSessionMachine = SessionMachine.TestCase
