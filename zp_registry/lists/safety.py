"""What may stand in a file that others open: text without illegal characters, safe file names, atomic and private writing.

A value that begins with ``= + - @`` or a tab can run as a formula or DDE call when a spreadsheet program types it anew; the
workbook writers store every text as text (:mod:`zp_registry.lists.workbook`), and this module cleans what XML cannot hold.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import IO

import pandas as pd

# XML 1.0 cannot hold these; a lone surrogate cannot even be encoded.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Spreadsheet programs read ``_x0041_`` in a file as "A": the underscore itself has to be escaped.
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
_CELL_LIMIT = 32_767
UNFINISHED = re.compile(r"\.zp-[a-z0-9_]{8}\.tmp")  # as tempfile calls what write_atomically has begun
_FORBIDDEN_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f\ud800-\udfff]+')


def clean(value: object) -> str:
    """The text of a value as a cell may hold it: NA is empty, line ends are LF, illegal characters gone, cut at 32 767."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    text = value if isinstance(value, str) else str(value)
    text = _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if len(text) <= _CELL_LIMIT else text[: _CELL_LIMIT - 1] + "…"


def escape_underscores(text: str) -> str:
    """``_xHHHH_`` written so that a spreadsheet program shows these very characters (ECMA-376, ST_Xstring)."""
    return _ESCAPE.sub("_x005F_", text)


def formula_like(text: str) -> bool:
    """Whether a spreadsheet program could take the text, typed anew, for a formula, a DDE call or an error value."""
    head = text.lstrip(" \u00a0\u3000")
    return head.startswith(_FORMULA) or text.startswith(("\t", "\n", "#"))


def file_name(text: str, limit: int = 120) -> str:
    """A part of a file name without characters that a file system refuses; never empty, at most ``limit`` bytes."""
    name = _FORBIDDEN_NAME.sub("_", clean(text)).strip(" .")
    return name.encode()[:limit].decode(errors="ignore").strip(" .") or "未命名"


def iso_date(value: str | date) -> date:
    """A date from ISO text or a date; ValueError for anything else."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def write_atomically(path: Path, write: Callable[[IO[bytes]], None]) -> Path:
    """Writes beside the target and renames: readers see the old file or the whole new one. Mode 0600: personal data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".zp-", suffix=".tmp")  # mkstemp makes the file 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # held until the file has its name: it is nobody's leftover
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
            os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
