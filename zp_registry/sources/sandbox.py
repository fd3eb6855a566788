"""Reading strangers' files in a process apart, with limits on memory, time and size.

A damaged or hostile workbook can end the library that reads it, or eat all memory, or never come to an end: then the reading
process is gone, the file is refused with one clear line, and the run goes on with a new process. One process reads file after
file, since starting one costs half a second. Bytes and results cross in shared memory; nothing is written to any disk.
"""

from __future__ import annotations

import atexit
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import structlog

from zp_registry.errors import FileRefused
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.packed import BROKEN, read_packed
from zp_registry.sources.tables import ReportFile

log = structlog.get_logger(__name__)
_LINE = 1 << 16
_START = 60.0  # seconds that a new process may take to import its libraries
# What the child gets of the caller's environment: nothing that names a key, a token or a database.
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")
_ALONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "PYTHONDONTWRITEBYTECODE": "1"}
_OPENED = ("code", "sheet", "detail", "row")


class Reader:
    """One reading process, started when it is first needed and again whenever a file was the end of it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._limits: ReadLimits | None = None
        self._owner = os.getpid()
        self._turn = threading.Lock()
        self._fresh = True

    def warm(self, limits: ReadLimits) -> None:
        """Starts the process now, so that it is ready when the first file is."""
        with self._turn:
            self._start(limits)

    def report(self, name: str, data: bytes, limits: ReadLimits) -> ReportFile:
        """As :func:`zp_registry.sources.files.read_bytes`, read apart. FileRefused; its code is FILE_TOO_SLOW, FILE_TOO_LARGE
        or FILE_BROKEN where the process had to be given up."""
        memory = self._ask("report", name, data, limits)
        try:
            return read_packed(memory)
        except BROKEN:
            self.close()
            raise FileRefused("FILE_BROKEN", name, detail="读取进程给出的结果不完整") from None

    def cells(self, name: str, data: bytes, limits: ReadLimits) -> list[tuple[str, list[list[Any]]]]:
        """Every sheet of a workbook as rows of cells from A1 on; dates as ``["d", ISO text]``. FileRefused as above."""
        memory = self._ask("cells", name, data, limits)
        try:
            return [(str(sheet), list(rows)) for sheet, rows in json.loads(memory[:])]
        except (ValueError, TypeError):
            self.close()
            raise FileRefused("FILE_BROKEN", name, detail="读取进程给出的结果不完整") from None

    def close(self) -> None:
        """Ends the process."""
        process, link, self._process, self._socket = self._process, self._socket, None, None
        if os.getpid() != self._owner:  # a copy of us: the process belongs to the original
            return
        if link is not None:
            link.close()
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()

    # -- one question

    def _ask(self, what: str, name: str, data: bytes, limits: ReadLimits) -> mmap.mmap:
        if len(data) > limits.max_bytes:
            raise FileRefused("FILE_TOO_LARGE", name, detail=f"超过 {limits.max_bytes} 字节")
        with self._turn:
            answer, handle = self._answer(what, name, data, limits)
            if answer["state"] == "memory":
                self.close()  # what is left of its memory is in pieces
        if answer["state"] == "read" and handle is not None:
            try:
                return mmap.mmap(handle, 0, prot=mmap.PROT_READ)
            except (ValueError, OSError):
                raise FileRefused("FILE_BROKEN", name, detail="读取进程没有给出结果") from None
            finally:
                os.close(handle)
        if answer["state"] == "refused":
            code, sheet, detail, row = (answer.get(k) for k in _OPENED)
            raise FileRefused(str(code), name, sheet=str(sheet or ""), detail=str(detail or ""),
                              row=int(row) if isinstance(row, int) else None)
        if answer["state"] == "memory":
            raise FileRefused("FILE_TOO_LARGE", name, detail="读取所需的内存超过上限")
        log.warning("reading failed", file=name, kind=str(answer.get("kind")))
        raise FileRefused("FILE_BROKEN", name, detail=f"读取程序中止（{answer.get('kind')}）")

    def _answer(self, what: str, name: str, data: bytes, limits: ReadLimits) -> tuple[dict[str, Any], int | None]:
        self._start(limits)
        assert self._socket is not None
        shared = os.memfd_create("file")
        try:
            with os.fdopen(os.dup(shared), "wb") as out:
                out.write(data)
            request = json.dumps({"name": name, "what": what, "size": len(data), "limits": asdict(limits)}).encode()
            self._socket.settimeout(limits.seconds(len(data)) + (_START if self._fresh else 0.0))
            socket.send_fds(self._socket, [request], [shared])
            line, handles, _, _ = socket.recv_fds(self._socket, _LINE, 1)
        except TimeoutError:
            self.close()
            raise FileRefused("FILE_TOO_SLOW", name, detail=f"{limits.seconds(len(data)):.0f} 秒") from None
        except OSError:
            line, handles = b"", []
        finally:
            os.close(shared)
        self._fresh = False
        if not line:
            raise self._gone(name, limits)
        try:
            answer = json.loads(line)
            return (answer if isinstance(answer, dict) else {"state": "failed"}), (handles[0] if handles else None)
        except ValueError:
            return {"state": "failed", "kind": "answer"}, handles[0] if handles else None

    def _gone(self, name: str, limits: ReadLimits) -> FileRefused:
        """The process ended over this file: why, as far as its end tells."""
        process = self._process
        assert process is not None
        code = process.wait()
        self.close()
        log.warning("the reading process ended", file=name, code=code)
        if code == -signal.SIGXCPU:
            return FileRefused("FILE_TOO_SLOW", name)
        if code in (-signal.SIGKILL, -signal.SIGABRT, -signal.SIGBUS):  # out of memory: the system, or the library itself
            return FileRefused("FILE_TOO_LARGE", name, detail="读取所需的内存超过上限，或文件已损坏")
        return FileRefused("FILE_BROKEN", name, detail=f"读取进程异常结束（{code}）")

    # -- the process

    def _start(self, limits: ReadLimits) -> None:
        if os.getpid() != self._owner:
            self._process = self._socket = None
            self._owner = os.getpid()
        alive = self._process is not None and self._process.poll() is None
        if alive and self._limits is not None and self._limits.max_memory == limits.max_memory:
            return
        self.close()
        ours, theirs = socket.socketpair()
        with theirs:
            env = {k: os.environ[k] for k in _KEPT if k in os.environ}
            env |= _ALONE | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONUTF8": "1"}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "zp_registry.sources.child", str(theirs.fileno()), json.dumps(asdict(limits))],
                pass_fds=[theirs.fileno()], env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a library's last words may hold what stands in the file
            )  # fmt: skip
        self._socket, self._limits, self._fresh = ours, limits, True


reader = Reader()
atexit.register(reader.close)
