"""Frozen values at nearly the price of plain ones, for the few classes that the way of every order makes.

A frozen dataclass sets each field through ``object.__setattr__``, at five times the price of an assignment.
"""

from collections.abc import Callable
from dataclasses import field, fields, make_dataclass
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def maker(cls: Callable[P, T]) -> Callable[P, T]:
    """What makes instances of ``cls``, a frozen dataclass with slots, as ``cls`` itself does, only sooner.

    A draft, of a subclass that may still be assigned to, takes the fields, is checked by ``__post_init__`` and becomes
    an instance of ``cls``: nobody but that method ever sees a draft. Raises what the class raises.
    """
    frozen: Any = cls
    check: Any = getattr(frozen, "__post_init__", None)

    def check_and_freeze(draft: Any) -> None:
        check(draft)
        draft.__class__ = frozen

    def freeze(draft: Any) -> None:
        draft.__class__ = frozen

    copies = [
        (each.name, object, field(default=each.default, default_factory=each.default_factory))
        for each in fields(frozen)
    ]
    for way in (check_and_freeze, freeze):
        # The interpreter adapts code to the class it meets: code that all classes share would fit none of them.
        way.__code__ = way.__code__.replace()
    last = {"__post_init__": freeze if check is None else check_and_freeze}
    plain: Any = make_dataclass(frozen.__name__, copies, namespace=dict(last), repr=False, eq=False)
    plain_ways = {
        "__init__": plain.__init__,
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
    }
    draft: Callable[P, T] = type(frozen.__name__, (frozen,), {"__slots__": (), **plain_ways, **last})
    return draft
