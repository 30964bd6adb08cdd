"""What the settings mean: the text below each of them in the source, read when somebody asks.

Pydantic can read it, too (``use_attribute_docstrings``), but at every start of the program, which takes a tenth of it.
"""

import ast
import inspect
from itertools import pairwise

from src.bootstrap.settings.model import Settings
from src.bootstrap.settings.risk import RiskSettings


def meanings() -> dict[str, str]:
    """The meaning of each setting, by its field."""
    found: dict[str, str] = {}
    for model in (Settings, RiskSettings):
        tree = ast.parse(inspect.getsource(model))
        lines = [line for each in tree.body if isinstance(each, ast.ClassDef) for line in each.body]
        for field, text in pairwise(lines):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                    value=ast.Constant(value=str(meaning))
                ):
                    found[name] = inspect.cleandoc(meaning)
                case _:
                    continue
    return found
