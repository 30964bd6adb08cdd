"""The one question that is asked before money is at stake."""

from collections.abc import Callable

from src.interfaces.cli.composition import ConfigurationError, LivePlan


def confirm_live(plan: LivePlan, is_terminal: bool, ask: Callable[[str], str]) -> None:
    """Say what is about to happen and go on only if the sentence asked for is typed; raises ConfigurationError."""
    if not is_terminal:
        raise ConfigurationError("live trading is confirmed by a person: start it from a terminal")
    sentence = f"trade live {plan.account}"
    print(
        f"LIVE  account {plan.account}: {', '.join(plan.symbols)}, leverage {plan.leverage}x; opening ends at a "
        f"loss of {plan.daily_loss_pct_max:.2%} of equity in a day or {plan.drawdown_pct_max:.2%} from its peak"
    )
    try:
        typed = ask(f"Type '{sentence}' to go on: ")
    except EOFError:
        typed = ""
    if typed.strip() != sentence:
        raise ConfigurationError("not confirmed: nothing was started")
