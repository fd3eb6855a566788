"""The OLE2 container (compound file) of xls, et, doc and encrypted workbooks: which streams it holds, whether they are whole.

Looked at before the workbook library is: that library ends in a panic on a truncated container.
"""

from __future__ import annotations

import struct

import numpy as np

from zp_registry.errors import FileRefused
from zp_registry.sources.biff import check_stream
from zp_registry.sources.limits import ReadLimits

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WORKBOOK = ("workbook", "book")
_ENTRY, _SMALL, _LAST = 128, 4096, 0xFFFFFFFA  # bytes of an entry; streams below lie in the mini stream; ids above end a chain


def ole_format(data: bytes, name: str, limits: ReadLimits) -> str:
    """``xls`` (also WPS .et, which is one). FileRefused for an encrypted, damaged or truncated one and for other documents."""
    try:
        container = _Container(data)
        streams = container.streams()
        if "encryptedpackage" in streams:
            raise FileRefused("FILE_ENCRYPTED", name)
        found = next((streams[w] for w in _WORKBOOK if w in streams), None)
        if found is None:
            raise FileRefused("FILE_FORMAT", name, detail="不是电子表格")
        stream = container.read(*(found if found[1] >= _SMALL else container.root))
        check_stream(stream, name, limits)
    except (ValueError, struct.error, IndexError):
        raise FileRefused("FILE_BROKEN", name, detail="文件结构不完整") from None
    return "xls"


class _Container:
    """``root``: (first sector, size) of the mini stream. ValueError, IndexError or struct.error for a damaged container."""

    def __init__(self, data: bytes) -> None:
        self._data, self.root = data, (0, 0)
        shift, = struct.unpack_from("<H", data, 30)
        if shift not in (9, 12):
            raise ValueError("sector size")
        self._sector = 1 << shift
        fats, self._directory = struct.unpack_from("<II", data, 44)
        difat, = struct.unpack_from("<I", data, 68)
        ids = list(struct.unpack_from("<109I", data, 76))
        while difat < _LAST and len(ids) < fats + 109:
            more = np.frombuffer(self._at(difat), dtype="<u4")
            ids += more[:-1].tolist()
            difat = int(more[-1])
        self._fat = np.frombuffer(b"".join(self._at(i) for i in ids[:fats] if i < _LAST), dtype="<u4")

    def _at(self, sector: int) -> bytes:
        start = (sector + 1) * self._sector
        piece = self._data[start:start + self._sector]
        if len(piece) < self._sector:
            raise ValueError("sector beyond the end")
        return piece

    def _chain(self, sector: int) -> list[int]:
        out: list[int] = []
        while sector < _LAST:
            if len(out) > len(self._fat):
                raise ValueError("sectors go in a circle")
            out.append(sector)
            sector = int(self._fat[sector])
        return out

    def streams(self) -> dict[str, tuple[int, int]]:
        """Name in lower case → (first sector, size in bytes) of every stream."""
        directory = b"".join(self._at(i) for i in self._chain(self._directory))
        out: dict[str, tuple[int, int]] = {}
        for at in range(0, len(directory), _ENTRY):
            length, kind = struct.unpack_from("<HB", directory, at + 64)
            first, size = struct.unpack_from("<II", directory, at + 116)
            if kind == 5:
                self.root = (first, size)
            elif kind == 2:
                out.setdefault(directory[at:at + max(length - 2, 0)].decode("utf-16-le", "replace").lower(), (first, size))
        return out

    def read(self, first: int, size: int) -> bytes:
        """A stream (the last sector may be shorter in the file)."""
        sectors = [(i + 1) * self._sector for i in self._chain(first)]
        stream = b"".join(self._data[at:at + self._sector] for at in sectors)
        if len(stream) < size:
            raise ValueError("stream cut off")
        return stream[:size]
