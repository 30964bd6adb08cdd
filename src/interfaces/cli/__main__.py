"""The process's entry point: hands the arguments and the composition root to the commands."""

import sys
from collections.abc import Collection, Mapping

from src.interfaces.cli.app import main
from src.interfaces.cli.composition import Application, Tell
from src.interfaces.cli.testnet import TestnetRequest


class _Program:
    """The composition root, loaded by the first command that needs it: ``--help`` does not."""

    def load(
        self, flags: Mapping[str, str], needs: Collection[str] | None = None, tell: Tell = print
    ) -> Application:
        """Read the settings; raises ConfigurationError."""
        from src.bootstrap.memory import collect_seldom
        from src.bootstrap.threads import start_no_idle_threads

        collect_seldom()
        start_no_idle_threads()
        from src.bootstrap.application import PaperComposition

        return PaperComposition().load(flags, needs, tell)

    def serve_testnet(self, request: TestnetRequest) -> None:
        """Serve a local exchange until a signal comes."""
        from src.bootstrap.testnet import serve_testnet

        serve_testnet(request)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], _Program()))
