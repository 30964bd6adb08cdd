"""Steadyhand: a live-trading application for Binance USDⓈ-M futures that survives being killed anywhere."""

from typing import Any

from src.application.trading.default_assembly import register


def _paper_assembly(config: Any) -> Any:
    """Put sessions together as the command line does; loaded when a library's caller first needs it."""
    from src.bootstrap.assembly import assembly_of

    return assembly_of(config)


def _sessions() -> Any:
    """Read the states of sessions from the database of the settings; loaded when it is first asked for."""
    from src.bootstrap.assembly import sessions

    return sessions()


register(_paper_assembly, _sessions)
