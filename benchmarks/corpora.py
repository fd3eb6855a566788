"""Other people's spreadsheets through the reader, one after another, as the nightly run would: is each loaded or refused with a
reason, in time and within its memory? ``python benchmarks/corpora.py FOLDER… [--out FILE]``: each folder is a corpus, all files
in it are read whatever their ending. Then the same files lie in an inbox and a whole night runs over them.

Exit code 1 where a file hung, broke its limits, or ended in a traceback.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog
from zp_registry.jobs.imports import Options, import_report
from zp_registry.jobs.office import Office, open_office

from zp_registry.errors import FileRefused, OptionNeeded
from zp_registry.lists.cells import LIMITS
from zp_registry.quarantine.codes import severity
from zp_registry.settings import Settings
from zp_registry.sources import ReadLimits, take
from zp_registry.sources.sandbox import reader

PROGRAM = "from zp_registry.cli import main; main()"
HANG = 60.0  # seconds, but for those that the size of a large file adds to its limit


@dataclass
class Seen:
    """What became of a file: ``read`` and ``loaded`` are codes of refusals, or nothing; ``detail`` what they add; ``fault``
    what must not happen; ``peak`` bytes."""

    corpus: str
    file: str
    size: int
    read: str = ""
    loaded: str = ""
    detail: str = ""
    seconds: float = 0.0
    peak: int = 0
    fault: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, help="one JSON object a file")
    parser.add_argument("--no-night", action="store_true", help="leave out the whole night")
    given = parser.parse_args()
    structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
    seen: list[Seen] = []
    with tempfile.TemporaryDirectory() as folder:
        office = open_office(Settings(home=Path(folder) / "home"))
        for corpus in given.folders:
            for path in sorted(p for p in corpus.rglob("*") if p.is_file() and not p.is_symlink()):
                seen.append(one(office, corpus.name, path))
                if given.out:
                    with given.out.open("a", encoding="utf-8") as out:
                        out.write(json.dumps(asdict(seen[-1]), ensure_ascii=False) + "\n")
    for line in table(seen):
        print(line)
    if not given.no_night:
        print("whole night:", *night(given.folders))
    return any(s.fault for s in seen)


def one(office: Office, corpus: str, path: Path) -> Seen:
    """Reads a file, then maps and judges it, keeping nothing; clerks' workbooks are read by another way, which is tried too."""
    limits = ReadLimits(**office.settings.limits.model_dump())
    out = Seen(corpus, str(path.name), path.stat().st_size)
    process = reader._process
    if process is not None:
        with suppress(OSError):
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # forget the peak of the files before
    began = time.monotonic()
    try:
        taken = take(path, limits.max_bytes)
        file = reader.report(taken.name, taken.data, limits)
        out.seconds = time.monotonic() - began
        import_report(office, file, Options(dry_run=True))
    except FileRefused as refused:
        out.seconds = out.seconds or time.monotonic() - began
        at = "read" if refused.code.startswith("FILE_") and refused.code != "FILE_NO_ROWS" else "loaded"
        setattr(out, at, refused.code)
        out.detail = refused.detail
        if severity(refused.code) != "file":
            out.fault = f"a code that is none of files: {refused.code}"
    except OptionNeeded:
        out.loaded = "OPTION_NEEDED"
    except Exception as error:
        out.fault = f"traceback: {type(error).__name__}"
    out.peak = peak()
    if out.seconds > max(HANG, limits.seconds(out.size) + 2):
        out.fault = "hang"
    if out.peak > limits.max_memory:
        out.fault = "over its memory"
    if not out.read:
        began = time.monotonic()
        try:
            reader.cells(taken.name, taken.data, LIMITS)
        except FileRefused as refused:
            if severity(refused.code) != "file":
                out.fault = f"a code that is none of files: {refused.code}"
        except Exception as error:
            out.fault = f"traceback of cells: {type(error).__name__}"
        if time.monotonic() - began > max(HANG, limits.seconds(out.size) + 2):
            out.fault = "hang of cells"
    return out


def peak() -> int:
    """The most memory that the reading process had over this file; 0 if it is gone."""
    process = reader._process
    with suppress(OSError, IndexError, ValueError):
        if process is not None and process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text("ascii")
            return int(status.split("VmHWM:")[1].split()[0]) * 1024
    return 0


def table(seen: list[Seen]) -> Iterator[str]:
    """A row a corpus, for docs/quality.md."""
    columns = ("corpus", "files", "MiB", "read", "of a known layout", "refused", "hangs", "over memory", "tracebacks",
               "slowest s", "most MiB")  # fmt: skip
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for corpus in [*dict.fromkeys(s.corpus for s in seen), None]:
        mine = [s for s in seen if corpus in (s.corpus, None)]
        refused = Counter(s.read for s in mine if s.read)
        faults = Counter(s.fault.split(":")[0].split(" of")[0] for s in mine if s.fault)
        yield (
            f"| {corpus or 'all'} | {len(mine):,} | {sum(s.size for s in mine) >> 20:,} | {sum(not s.read for s in mine):,} "
            f"| {sum(not s.read and not s.loaded for s in mine)} "
            f"| {', '.join(f'{c} {n:,}' for c, n in sorted(refused.items())) or '–'} | {faults['hang']} "
            f"| {faults['over its memory']} | {faults['traceback']} | {max((s.seconds for s in mine), default=0):.1f} "
            f"| {max((s.peak for s in mine), default=0) >> 20:,} |"
        )
    for s in seen:
        if s.fault:
            yield f"FAULT {s.corpus}/{s.file}: {s.fault}"


def night(folders: list[Path]) -> list[str]:
    """All files in an inbox, and one night over them in a process of its own: its exit code, and what became of the files."""
    with tempfile.TemporaryDirectory(dir=folders[0].parent) as folder:
        home = Path(folder) / "home"
        open_office(Settings(home=home)).engine.dispose()
        inbox = home / "inbox" / "reports"
        count = 0
        for number, corpus in enumerate(folders):
            for path in sorted(p for p in corpus.rglob("*") if p.is_file() and not p.is_symlink()):
                count += 1
                os.link(path, inbox / f"{number}_{count:05d}_{path.name[-120:].lstrip('.~')}")
        env = {k: v for k, v in os.environ.items() if not k.startswith("ZP_")}
        done = subprocess.run([sys.executable, "-c", PROGRAM, "nightly", "--json", "--home", str(home)],
                              capture_output=True, text=True, env=env, check=False)  # fmt: skip
        told = json.loads(done.stdout.splitlines()[-1])
        states = Counter(f["state"] for f in told["files"])
        left = sum(p.is_file() for p in inbox.rglob("*"))
        return [f"exit code {done.returncode};", f"{count} files;", ", ".join(f"{n} {s}" for s, n in states.items()) + ";",
                f"{left} left in the inbox;", f"{done.stderr.count('Traceback')} tracebacks"]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
