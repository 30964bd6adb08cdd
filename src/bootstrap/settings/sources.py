"""Where settings come from: flags over environment over ``.env`` over ``config.yaml`` over defaults.

Each source is read into the same shape, field name to value and where it stood, so that a wrong value can be
answered with its place. A misspelled name must not pass in silence, since the default it leaves in force is money:
unknown keys of ``config.yaml``, unknown ``STEADYHAND_*`` names, and names of ``.env`` that look like one of ours
are errors. An empty value means that the setting is not set.
"""

import difflib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from src.bootstrap.settings.model import Settings
from src.bootstrap.settings.values import Env

PREFIX: Final = "STEADYHAND_"
CONFIG_FILE: Final = "STEADYHAND_CONFIG"
ENV_FILE: Final = "STEADYHAND_ENV_FILE"
_SIMILAR: Final = 0.85


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was given: ``source`` in a word or two, ``written`` as the person wrote it."""

    value: Any
    source: str
    written: str


Found = dict[str, Given]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one line, and the settings that it may be about."""

    text: str
    fields: frozenset[str]


def env_of(field: str) -> Env:
    """A field's names in the environment."""
    return next(item for item in Settings.model_fields[field].metadata if isinstance(item, Env))


FIELD_OF_NAME: Final[Mapping[str, str]] = {
    name: field for field in Settings.model_fields for name in env_of(field).names
}


EVERY: Final = frozenset(Settings.model_fields)


def from_flags(flags: Mapping[str, str]) -> Found:
    """What stood on the command line, by field."""
    return {
        field: Given(value, _flag(field), f"{_flag(field)} {value}")
        for field, value in flags.items()
        if field in Settings.model_fields
    }


def _flag(field: str) -> str:
    """The flag of a field: ``stop_loss_pct`` is ``--stop-loss``."""
    return "--" + field.removesuffix("_pct").replace("_", "-")


def from_environment(environment: Mapping[str, str], problems: list[Problem]) -> Found:
    """The environment's own variables; others than ours are none of our business."""
    for name in sorted(environment):
        is_ours = name in FIELD_OF_NAME or name in (CONFIG_FILE, ENV_FILE)
        if name.upper().startswith(PREFIX) and not is_ours:
            text = f"{name} in the environment is not a setting{_suggestion(name)}: correct or unset it"
            problems.append(Problem(text, _meant(name)))
    return _by_field(environment, dict.fromkeys(environment, "environment"))


def from_env_file(path: Path, problems: list[Problem]) -> Found:
    """The lines of a ``.env`` file; a missing file has none."""
    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    places: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(_read(path, problems))):
        line, name = binding.original.line, binding.key
        if binding.error or (name in FIELD_OF_NAME and binding.value is None):
            # The line itself is not repeated: it may hold a secret.
            text = f"{path.name} line {line} cannot be read: write it like NAME=value"
            problems.append(Problem(text, _named_in(binding.original.string)))
        elif name is not None:
            if name not in FIELD_OF_NAME and (name.upper().startswith(PREFIX) or _suggestion(name)):
                text = f"{name} in {path.name} line {line} is not a setting{_suggestion(name)}: correct it"
                problems.append(Problem(text, _meant(name)))
            values[name] = binding.value or ""
            places[name] = f"{path.name} line {line}"
    return _by_field(values, places)


def from_config_file(path: Path, problems: list[Problem]) -> Found:
    """The keys of a ``config.yaml``, which are field names; a missing file has none."""
    text = _read(path, problems)
    if not text.strip():
        return {}
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark is not None else ""
        line = f"{path.name}{where} is not YAML: write one `name: value` a line"
        problems.append(Problem(line, _named_in(text)))
        return {}
    if content is None:
        return {}
    if not isinstance(content, dict):
        line = f"{path.name} is not a list of settings: write one `name: value` a line"
        problems.append(Problem(line, _named_in(text)))
        return {}
    for key in content:
        if key not in Settings.model_fields:
            close = _fields_like(str(key))
            hint = f" (did you mean {close[0]}?)" if close else ""
            line = f"{key} in {path.name} is not a setting{hint}: write those of `config show` in small letters, "
            line += "without STEADYHAND_ or BINANCE_"
            problems.append(Problem(line, frozenset(close)))
    return {
        key: Given(value, path.name, f"{key}: {value}")
        for key, value in content.items()
        if key in Settings.model_fields and value not in (None, "")
    }


def _by_field(values: Mapping[str, str], places: Mapping[str, str]) -> Found:
    """Pick our names out of variables; of two names of one setting the preferred one counts."""
    found: Found = {}
    for field in Settings.model_fields:
        for name in env_of(field).names:
            value = values.get(name, "").strip()
            if value:
                found[field] = Given(value, places[name], f"{name}={value} ({places[name]})")
                break
    return found


def _read(path: Path, problems: list[Problem]) -> str:
    """The file's text, or nothing when there is no such file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        problems.append(Problem(f"{path.name} cannot be read ({cause}): correct or remove it", EVERY))
        return ""


def _suggestion(name: str) -> str:
    """The setting that was probably meant."""
    close = _close_to(name)
    return f" (did you mean {close[0]}?)" if close else ""


def _meant(name: str) -> frozenset[str]:
    return frozenset(FIELD_OF_NAME[each] for each in _close_to(name))


def _close_to(name: str) -> list[str]:
    """The name of ours that is most like this one, if any is; small letters do not make another one."""
    return difflib.get_close_matches(name.upper(), FIELD_OF_NAME, n=1, cutoff=_SIMILAR)


def _fields_like(key: str) -> list[str]:
    """The field that a key of a ``config.yaml`` is most like, if any is; one by its name in the environment is it."""
    known = FIELD_OF_NAME.get(key.upper())
    return [known] if known else difflib.get_close_matches(key.lower(), Settings.model_fields, n=1)


def _named_in(text: str) -> frozenset[str]:
    """The settings whose name, in either spelling, stands in a text that cannot be read."""
    text = text.upper()
    return frozenset(field for name, field in FIELD_OF_NAME.items() if name in text or field.upper() in text)
