"""Errors, arranged by what the caller should do next.

A message names file, sheet, row, column and code, never a value of the row: identity numbers must not
reach logs or tracebacks. ``exit_code`` is the process's exit code when the error ends a command.
"""

from __future__ import annotations


class ZpError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1


class UsageError(ZpError):
    """Wrong usage or settings, or an option that the file does not answer is missing: ask the operator."""

    exit_code = 2


class LockHeld(ZpError):
    """Another run holds the lock: come back later."""

    exit_code = 4


class KeyProblem(ZpError):
    """The master key is missing, wrong or readable by others: stop before anything is written."""

    exit_code = 2


class UpgradeFailed(ZpError):
    """The schema could not be upgraded; the database is as it was."""


class FileRefused(ZpError):
    """A whole file cannot be kept: say so in one line and go on with the next file.

    ``code`` is one of :data:`zp_registry.quarantine.codes.CODES` with severity ``file``; ``detail`` is the part of the
    message that the code's template leaves open (header names, counts; never a row's values).
    """

    exit_code = 1

    def __init__(self, code: str, file: str, *, sheet: str = "", detail: str = "", row: int | None = None) -> None:
        self.code, self.file, self.sheet, self.detail, self.row = code, file, sheet, detail, row
        where = file + (f" [{sheet}]" if sheet else "") + (f" row {row}" if row else "")
        super().__init__(f"{where}: {code}" + (f": {detail}" if detail else ""))


class OptionNeeded(UsageError):
    """The file does not say something that a command-line option can (``--as-of``, ``--platform``)."""

    def __init__(self, file: str, option: str, why: str) -> None:
        self.file, self.option = file, option
        super().__init__(f"{file}: {why}; give {option}")


class SourceFailed(ZpError):
    """A platform's interface failed: alert, go on with the other platforms. ``kind`` is one word for the cause, for programs
    and for the check of an interface (``certificate``, ``rights``, ``signature``, ``shape`` …); empty: not known."""

    def __init__(self, message: str, *, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class Retriable(SourceFailed):
    """A failure that may pass by itself: try again after ``wait`` seconds (None: the client's own back-off)."""

    def __init__(self, message: str, wait: float | None = None, *, kind: str = "") -> None:
        super().__init__(message, kind=kind)
        self.wait = wait


class Fatal(SourceFailed):
    """Signature, rights or settings are wrong: stop this platform and alert; trying again cannot help."""
