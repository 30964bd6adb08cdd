"""The auditor shares nothing with the program it checks."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
AUDIT = ROOT / "src" / "infrastructure" / "audit"
PACKAGE = "src.infrastructure.audit"


def imported() -> set[str]:
    names = set()
    for path in AUDIT.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    return names


def test_the_auditor_imports_itself_the_standard_library_and_a_driver():
    foreign = {name for name in imported() if not name.startswith(f"{PACKAGE}.")}

    assert {name for name in foreign if name.partition(".")[0] not in sys.stdlib_module_names} == {"asyncpg"}


def test_an_audit_of_a_file_loads_nothing_else_of_the_program_that_knows_money():
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, {PACKAGE}.__main__; print(*sorted(name for name in sys.modules if name.startswith('src.')))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = {name for name in told.stdout.split() if name.startswith(("src.domain", "src.infrastructure."))}
    assert {name for name in loaded if not name.startswith(PACKAGE)} == set()
