"""Named places where the process may be killed by a test: every I/O boundary calls :func:`failpoint`.

In the product the hook does nothing and no setting can change that; only a test that runs inside the process
installs another. The names are stable: crash tests enumerate them.
"""

from collections.abc import Callable

_hook: Callable[[str], None] | None = None


def failpoint(name: str) -> None:
    """Mark an I/O boundary: what comes before has happened, what comes after has not."""
    if _hook is not None:
        _hook(name)


def install_hook(hook: Callable[[str], None] | None) -> None:
    """Let a test watch or kill at failpoints; None, as in the product, is no hook."""
    global _hook
    _hook = hook
