"""A user's own strategy, named where it is: ``package.module:Class`` or ``path/to/file.py:Class:period=5``.

The class is called with the parameters as keywords: whole numbers, numbers, true and false become such, the rest stays
text. What it makes has to be a :class:`Strategy`. Reading the code is somebody else's work; here is only its name.
"""

from collections.abc import Callable
from dataclasses import dataclass

from src.application.strategies.strategy import Strategy

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class UserStrategySpec:
    """The module's dotted path or the file's path, the class in it, and its parameters as text."""

    where: str
    class_name: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def strategy_id(self) -> str:
        """The canonical text."""
        pairs = ",".join(f"{name}={value}" for name, value in self.parameters)
        return f"{self.where}:{self.class_name}" + (f":{pairs}" if pairs else "")

    @property
    def is_file(self) -> bool:
        """Whether the code is a file rather than a module that Python finds."""
        return self.where.endswith(".py")

    @property
    def arguments(self) -> dict[str, Value]:
        """The parameters as the class gets them."""
        return {name: _value(text) for name, text in self.parameters}

    def with_text(self, parameters: str) -> str:
        """The text of the same strategy with some parameters changed (``period=5,…``)."""
        merged = dict(self.parameters) | dict(parse_user_strategy(f"{self.where}:C:{parameters}").parameters)
        return UserStrategySpec(self.where, self.class_name, tuple(merged.items())).strategy_id


LoadStrategy = Callable[[UserStrategySpec], Strategy]
"""Makes a user's strategy, for any symbol; raises ValueError, in one line with cause and fix."""


def is_user_strategy(text: str) -> bool:
    """Whether a text names a user's strategy: its first part is a file or has a dot, which no shipped name has."""
    where = text.partition(":")[0]
    return where.endswith(".py") or "." in where or "/" in where


def parse_user_strategy(text: str) -> UserStrategySpec:
    """Read the text; raises ValueError, in one line with the fix."""
    where, _, rest = text.strip().partition(":")
    class_name, _, parameters = rest.partition(":")
    if not where or not class_name.isidentifier():
        raise ValueError(f"cannot read {text!r}: write it like package.module:Class or path/to/file.py:Class")
    given: dict[str, str] = {}
    for pair in parameters.split(",") if parameters.strip() else ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name.isidentifier() and equals and value):
            raise ValueError(
                f"cannot read {pair.strip()!r} in {text!r}: write parameters like period=5,width=2"
            )
        if name in given:
            raise ValueError(f"{name} is given twice in {text!r}: keep one of them")
        given[name] = value
    return UserStrategySpec(where, class_name, tuple(given.items()))


def _value(text: str) -> Value:
    """The value that a text most plainly is."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
