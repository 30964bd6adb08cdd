"""Changes of a running session's strategies, asked for through its socket."""

from collections.abc import Sequence
from typing import Any

from src.interfaces.cli.accounts import choose_account
from src.interfaces.cli.composition import Application
from src.interfaces.cli.control import command


def change_strategies(
    app: Application, wanted: str | None, action: str, strategy: str, parameters: Sequence[str] = ()
) -> dict[str, Any]:
    """Ask for a change; the answer is what runs from then on. Raises like :func:`command`."""
    account = choose_account(app, wanted, to_change=action != "list")
    arguments = {"action": action, "strategy": strategy, "parameters": ",".join(parameters)}
    return command(app, account.account_id, "strategies", arguments)


def print_running(view: dict[str, Any]) -> None:
    """One line per strategy and symbol, then what a change left behind."""
    for line in view["running"]:
        for state in line["state"] or ("",):
            print(f"{line['strategy_id']}  {state}".rstrip())
    if not view["running"]:
        print(f"no strategies: enable one of {', '.join(view['available'])}")
    if view["note"]:
        print(view["note"])
