"""Decisions about amendments: another price and quantity for a resting order, asked for once and never assumed."""

from src.domain.decisions.effects import Reconcile
from src.domain.decisions.step import Step
from src.domain.orders import news as o


def modify_accepted(step: Step, news: o.ModifyAccepted) -> None:
    """The exchange took it."""


def modify_refused(step: Step, news: o.ModifyRefused) -> None:
    """The order stands as it stood, or it is over: ask, never infer."""
    step.do(Reconcile(f"the amendment of {news.client_order_id} was refused ({news.code})"))


def modify_unknown(step: Step, news: o.ModifyUnknown) -> None:
    """Nobody knows: read the order back."""
    step.do(Reconcile(f"the amendment of {news.client_order_id} is of unknown outcome"))
