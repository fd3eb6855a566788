"""Where a setting came from: lines of the file, names of variables, and how a wrong one is told."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

Key = tuple[str, ...]
PREFIX = "ZP_"
# Read elsewhere: they are no settings, or are secrets that no settings object may hold.
OTHER_VARIABLES = ("ZP_CONFIG", "ZP_MASTER_KEY", "ZP_MASTER_KEY_COMMAND")
_TESTS = "ZP_TEST_"
_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]\]?")
_PAIR = re.compile(rf"\s*({_DOTTED})\s*=")


def key_lines(text: str) -> dict[Key, int]:
    """The line (from 1) on which each key of a TOML text stands first. Keys of inline tables are not told apart."""
    lines: dict[Key, int] = {}
    section: Key = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = _parts(header[1])
            lines.setdefault(section, number)
        elif pair := _PAIR.match(line):
            path = section + _parts(pair[1])
            for length in range(len(section) + 1, len(path) + 1):
                lines.setdefault(path[:length], number)
    return lines


def _parts(dotted: str) -> Key:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def anchor(data: dict[str, Any], path: Key, base: Path) -> None:
    """Makes the relative path at ``path`` (``*`` for every key) one from ``base``."""
    head, *rest = path
    for key in list(data) if head == "*" else [head]:
        value = data.get(key)
        if rest and isinstance(value, dict):
            anchor(value, tuple(rest), base)
        elif not rest and isinstance(value, str) and not value.startswith("~"):
            data[key] = str(base / value)


def add_variables(data: dict[str, Any], environ: Mapping[str, str], model: type[BaseModel],
                  origins: dict[Key, str]) -> list[str]:
    """Puts the variables' values into ``data`` and their names into ``origins``; gives the faults of variables' names.

    ``ZP_A__B`` must name a setting; another ``ZP_X`` only must not look like a misspelt one, since tokens have such names too.
    """
    known = [PREFIX + name.upper() for name in model.model_fields] + list(OTHER_VARIABLES)
    faults = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.startswith(_TESTS) or name in OTHER_VARIABLES or not environ[name]:
            continue
        path = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
        if path[0] in model.model_fields:
            origins[path] = f"variable {name}"
            if not _put(data, path, _value(environ[name])):
                faults.append(f"variable {name}: {'.'.join(path[:-1])} is given as a single value elsewhere")
        elif close := difflib.get_close_matches(name.split("__")[0], known, 1, 0.0 if "__" in name else 0.9):
            faults.append(f"variable {name}: unknown; did you mean {close[0] + name[len(name.split('__')[0]):]}?")
    return faults


def _value(text: str) -> Any:
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _put(data: dict[str, Any], path: Key, value: Any) -> bool:
    for part in path[:-1]:
        data = data.setdefault(part, {})
        if not isinstance(data, dict):
            return False
    data[path[-1]] = value
    return True


def explain(error: ValidationError, model: type[BaseModel], origins: Mapping[Key, str]) -> list[str]:
    """One line for each fault: place, key, what is wrong, nearest known key. Values are not shown: one may be a password."""
    out = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        path = tuple(str(part) for part in fault["loc"])
        place = next((origins[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origins), "settings")
        if fault["type"] == "extra_forbidden":
            nearest = difflib.get_close_matches(path[-1], _known(model, path[:-1]), 1, 0.0)
            what = f"unknown key{f'; did you mean {nearest[0]}?' if nearest else ''}"
        else:
            what = fault["msg"][:1].lower() + fault["msg"][1:]
        out.append(f"{place}: {'.'.join(path)}: {what}")
    return out


def _known(model: type[BaseModel], path: Key) -> list[str]:
    for part in path:
        inner, _ = section_of(model.model_fields[part].annotation) if part in model.model_fields else (None, False)
        model = inner or model  # the name of a town or platform leaves the model as it is
    return list(model.model_fields)


def section_of(kind: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model of a section's annotation (None: a plain setting), and whether there is one for each of many names."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind, False
    return next(((a, True) for a in get_args(kind) if isinstance(a, type) and issubclass(a, BaseModel)), (None, False))
