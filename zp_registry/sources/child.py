"""The reading process: takes a file's bytes, gives its tables, and holds nothing that is worth stealing.

It is a program of its own (not a copy of the caller, which has the keys in its memory), started without the caller's
settings. Before the first byte of a file it gives up its rights to memory beyond the limit, to files, to core dumps and, for
each file, to more processor time than the file may cost. One request is one JSON line with the file in shared memory; one
answer is one JSON line, with the result in shared memory.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import resource
import socket
import sys
from contextlib import suppress
from typing import Any

from zp_registry.errors import FileRefused
from zp_registry.sources.files import read_bytes
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.packed import write_packed
from zp_registry.sources.workbooks import read_cells

LINE = 1 << 16
_HANDLES = 64


def main() -> None:
    """Serves the socket whose handle is the only argument until its other end is gone."""
    with socket.socket(fileno=int(sys.argv[1])) as caller:
        limits = ReadLimits(**json.loads(sys.argv[2]))
        _give_up_rights(limits)
        gc.disable()  # nothing that reading makes goes in circles, and looking for circles among millions of cells takes time
        while True:
            request, handles, _, _ = socket.recv_fds(caller, LINE, 1)
            if not request:
                return
            _serve(caller, json.loads(request), handles[0])


def _give_up_rights(limits: ReadLimits) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_HANDLES, _HANDLES))
    for name, most in (("RLIMIT_DATA", limits.max_memory), ("RLIMIT_AS", limits.max_memory * 2 + (2 << 30))):
        # The second holds what is mapped and not its own: the file, the result, the libraries.
        with suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (most, most))


def _serve(caller: socket.socket, request: dict[str, Any], handle: int) -> None:
    limits = ReadLimits(**request["limits"])
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + limits.seconds(request["size"])) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
    answer: dict[str, Any]
    handles: list[int] = []
    try:
        data = _bytes(handle, request["size"])
        out = os.memfd_create("report")
        handles.append(out)
        with os.fdopen(os.dup(out), "wb") as file:
            if request["what"] == "cells":
                file.write(json.dumps(read_cells(data, request["name"], limits)).encode())
            else:
                write_packed(read_bytes(request["name"], data, limits), file, limits)
        answer = {"state": "read"}
    except FileRefused as refused:
        answer = {"state": "refused", **{k: getattr(refused, k) for k in ("code", "sheet", "detail", "row")}}
    except MemoryError:
        answer = {"state": "memory"}
    except BaseException as error:  # of unforeseen errors only the kind: their text may hold what stands in the file
        answer = {"state": "failed", "kind": type(error).__name__}
    if answer["state"] != "read":
        for one in handles:
            os.close(one)
        handles = []
    line = json.dumps(answer).encode() + b"\n"
    socket.send_fds(caller, [line], handles)
    for one in handles:
        os.close(one)


def _bytes(handle: int, size: int) -> bytes:
    try:
        if not size:
            return b""
        with mmap.mmap(handle, size, prot=mmap.PROT_READ) as memory:
            return memory[:]
    finally:
        os.close(handle)


if __name__ == "__main__":
    main()
