"""Reads a user's strategy from a module or a file, and checks that it is one before anything trades on it.

The code runs in this process with all its rights: it is the user's own, like the rest of the machine.
"""

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from src.application.plain_text import first_line
from src.application.strategies import Strategy, UserStrategySpec

_METHODS: Final = ("for_symbol", "warm", "on_candle")
_PROPERTIES: Final = ("strategy_id", "symbol", "history_bars", "is_warm", "progress", "why_not")


def load_strategy(spec: UserStrategySpec) -> Strategy:
    """Make the strategy that a specification names; raises ValueError, in one line with cause and fix."""
    module = _module(spec)
    made_by = getattr(module, spec.class_name, None)
    if not isinstance(made_by, type):
        known = (
            ", ".join(name for name, value in vars(module).items() if _is_own_class(module, value)) or "none"
        )
        raise ValueError(f"{spec.where} has no class {spec.class_name}: it has {known}")
    try:
        strategy = made_by(**spec.arguments)
        missing = [name for name in _METHODS if not callable(getattr(strategy, name, None))]
        missing += [name for name in _PROPERTIES if not hasattr(strategy, name)]
    except (Exception, SystemExit) as error:  # a stranger's code: it may raise anything, and becomes one line
        raise ValueError(f"{spec.strategy_id} cannot be made: {_one_line(error)}") from error
    if missing:
        raise ValueError(
            f"{spec.class_name} of {spec.where} is no strategy: it lacks {', '.join(missing)} "
            "(src/application/strategies/strategy.py says what each is)"
        )
    loaded: Strategy = strategy
    return loaded


def _module(spec: UserStrategySpec) -> ModuleType:
    try:
        return (
            _from_file(Path(spec.where).expanduser()) if spec.is_file else importlib.import_module(spec.where)
        )
    except (Exception, SystemExit) as error:  # a stranger's code: it may raise anything, and becomes one line
        raise ValueError(f"{spec.where} cannot be read: {_one_line(error)}") from error


def _from_file(path: Path) -> ModuleType:
    """Run a file as a module of its own; it is one module, however often it is asked for, until it is written anew."""
    if not path.is_file():
        raise FileNotFoundError(
            f"no file {path.absolute()}: put it there, or go to the folder it is meant from"
        )
    known_by = str(path.resolve()).encode() + path.read_bytes()
    name = f"steadyhand_user_{hashlib.blake2b(known_by, digest_size=8).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise FileNotFoundError(f"no file {path}")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except BaseException:  # a half-loaded module must not pass for a whole one, whatever ended it
        del sys.modules[name]
        raise
    return module


def _is_own_class(module: ModuleType, value: object) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _one_line(error: BaseException) -> str:
    first = first_line(error)
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
