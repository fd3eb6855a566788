"""openpyxl puts every sheet that it writes into a file of the temporary folder first, in clear, where a kill leaves it. From
here on it lies in memory; importing this module is enough."""

from __future__ import annotations

import os

from openpyxl.worksheet import _writer


def _in_memory(suffix: str = "") -> str:
    """A file without a place on any disk, by the name under which this process opens it."""
    return f"/proc/self/fd/{os.memfd_create('sheet' + suffix)}"


def _give_back(writer: _writer.WorksheetWriter) -> None:
    os.close(int(str(writer.out).rpartition("/")[2]))


_writer.create_temporary_file = _in_memory
_writer.WorksheetWriter.cleanup = _give_back  # type: ignore[method-assign, assignment]
