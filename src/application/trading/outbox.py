"""What leaves the session after a commit: orders, cancels, amendments, each handed to the broker once."""

from collections.abc import Callable, Iterable

from src.application.ports.broker import Broker
from src.application.ports.failpoints import failpoint
from src.application.ports.kill_switch import KillSwitch
from src.domain.decisions.effects import CancelOrder, Effect, ModifyOrder, Reconcile, SubmitOrder
from src.domain.decisions.news import News
from src.domain.orders.news import ModifyRefused, NotSent


class Outbox:
    """Runs effects. The kill switch is looked at before every order that may grow a position."""

    def __init__(self, broker: Broker, kill_switch: KillSwitch, tell: Callable[[News], object]) -> None:
        self._broker = broker
        self._kill_switch = kill_switch
        self._tell = tell
        self.orders_sent = 0

    def run(self, effects: Iterable[Effect]) -> str:
        """Act on each in turn; return why store and exchange are to be compared, or nothing."""
        wanted = ""
        for effect in effects:
            if type(effect) is SubmitOrder:
                self._submit(effect)
            elif type(effect) is CancelOrder:
                failpoint("session.before_cancel")
                self._broker.cancel(effect.symbol, effect.client_order_id, effect.conditional)
            elif type(effect) is ModifyOrder:
                self._modify(effect)
            elif type(effect) is Reconcile:
                wanted = wanted or effect.reason
        return wanted

    def _submit(self, effect: SubmitOrder) -> None:
        if not effect.ticket.reduce_only and self._kill_switch.is_engaged():
            self._tell(NotSent(effect.attempt.client_order_id, "the kill switch is engaged"))
            return
        failpoint("session.before_submit")
        self.orders_sent += 1
        self._broker.submit(effect.ticket, effect.attempt)
        failpoint("session.after_submit")

    def _modify(self, effect: ModifyOrder) -> None:
        if not effect.reduce_only and self._kill_switch.is_engaged():
            self._tell(ModifyRefused(effect.amendment.client_order_id, 0, "the kill switch is engaged"))
            return
        failpoint("session.before_modify")
        self._broker.modify(effect.amendment)
