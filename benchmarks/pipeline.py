"""How quick the nightly job is, stage by stage, beside bare reading, dlt and plain Splink in the same run.

python benchmarks/pipeline.py [--rows 10000 100000 1000000] [--wide 200000] [--seed 41] [--home FOLDER] [--repeat 1]
                              [--out FILE] [--picture FILE]

Two parts. *One workbook*: a single xlsx of ``--wide`` rows and 22 columns, first load, then the same file, the same cells in
other bytes, the next day's report with the same rows, and one in which 2 % of the rows have another phone. *Growth*: as many
``--rows`` in monthly workbooks of four platforms, three months of a county, loaded at once and by ``nightly``.

Each step is a process of its own, one after the other. Seconds are wall clock with the interpreter's start and imports, cpu the
processor seconds of all threads, memory the most that the process and its children held together.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import picture, rows
from bench.measure import Measured, part, product
from zp_registry.simulator import Dirt, generate

WORKBOOKS = ("douyin", "taobao", "wechat_channels", "jd")  # the layouts that come as xlsx
MONTHS = 3
_VERSIONS = ("pandas", "pyarrow", "duckdb", "python-calamine", "openpyxl", "fastexcel", "dlt", "splink")
OPENPYXL_MOST, DLT_MOST = 250_000, 250_000  # rows beyond which these two would take hours


def saved_again(path: Path, target: Path) -> Path:
    """The same cells in other bytes: a spreadsheet program would pack them otherwise."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for item in old.infolist():
            new.writestr(item.filename, old.read(item))
    return target


def next_day(path: Path, folder: Path, every: int | None) -> Path:
    """The report of the day after; with ``every``, in each so-manieth row the last digit of the phone is another."""
    day = dt.datetime.strptime(re.findall(r"_(\d{8})", path.name)[0], "%Y%m%d").date()
    after = day + dt.timedelta(days=1)
    target = folder / path.name.replace(f"{day:%Y%m%d}", f"{after:%Y%m%d}")
    phone = re.compile(rb'(<c r="M(\d+)"[^>]*><is><t>1\d{9})(\d)(</t>)')

    def other(found: re.Match[bytes]) -> bytes:
        if every is None or int(found[2]) % every:
            return found[0]
        return found[1] + str(9 - int(found[3])).encode() + found[4]

    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.startswith("xl/worksheets/"):
                data = data.replace(f"{day:%Y年%m月%d日}".encode(), f"{after:%Y年%m月%d日}".encode())
                data = phone.sub(other, data)
            new.writestr(item.filename, data)
    return target


def told(run: Measured, count: int, size: int = 0) -> dict[str, Any]:
    """What is kept of a run; ``size``: bytes of the database after it."""
    steps = {s["name"]: s["seconds"] for s in run.answer.get("steps", [])}
    return {"seconds": run.seconds, "cpu": run.cpu, "rows_per_second": round(count / run.seconds), "mb": run.tree_mb,
            "database_mb": round(size / 2**20), **({"steps": steps} if steps else {})}  # fmt: skip


def _size(home: Path) -> int:
    return sum(p.stat().st_size for p in (home / "db").iterdir())


class Bench:
    """The measurements of one run of this script."""

    def __init__(self, folder: Path, seed: int, repeat: int) -> None:
        self.folder, self.seed, self.repeat = folder, seed, repeat

    def quickest(self, *words: Any) -> Measured:
        """The quickest of the repeats of one of the modules in bench/."""
        return min((part(*words) for _ in range(self.repeat)), key=lambda m: m.seconds)

    def _world(self, name: str, accounts: int, months: int, layouts: tuple[str, ...]) -> list[Path]:
        world = self.folder / name
        if not (world / "truth").exists():
            generate(world, seed=self.seed, accounts=accounts, months=months, dirt=Dirt(), flat=True, layouts=layouts)
        return sorted((world / "reports").iterdir())

    def _home(self, name: str) -> Path:
        home = self.folder / name
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        product(home, "init")
        return home

    def readers(self, paths: list[Path], count: int) -> dict[str, Any]:
        """Bare reading of the same files."""
        names = ("fastexcel", "calamine", "openpyxl") if count <= OPENPYXL_MOST else ("fastexcel", "calamine")
        out = {}
        for name in names:
            run = self.quickest("reading", name, *paths)
            out[name] = {"seconds": run.answer["seconds"], "cpu": run.answer["cpu"], "rows": run.answer["rows"],
                         "mb": run.tree_mb}  # fmt: skip
        return out

    def one_workbook(self, count: int) -> dict[str, Any]:
        """A single workbook of ``count`` rows, night by night."""
        path = self._world(f"wide{count}", count, 1, ("douyin",))[0]
        out: dict[str, Any] = {"reading": self.readers([path], count)}
        home, work = self._home("wide"), self.folder / "nights"
        shutil.rmtree(work, ignore_errors=True)
        for name in ("again", "same", "changed"):
            (work / name).mkdir(parents=True)
        nights = {
            "first load": path,
            "the same file": path,
            "same cells, other bytes": saved_again(path, work / "again" / path.name),
            "next day, same rows": next_day(path, work / "same", None),
            "next day, 2 % changed": None,
        }
        nights["next day, 2 % changed"] = next_day(nights["next day, same rows"], work / "changed", 50)  # type: ignore[arg-type]
        for name, file in nights.items():
            loaded = product(home, "import", str(file))
            answer = loaded.answer["files"][0]
            derived = product(home, "resolve")
            out[name] = {
                "state": answer["state"], "counts": answer["counts"], "import": told(loaded, count, _size(home)),
                "resolve and flag": told(derived, count, _size(home)),
                "seconds": round(loaded.seconds + derived.seconds, 2), "cpu": round(loaded.cpu + derived.cpu, 2),
                "mb": max(loaded.tree_mb, derived.tree_mb),
            }  # fmt: skip
            print(f"{name:28} {out[name]['seconds']:8.2f} s {out[name]['cpu']:8.2f} cpu {out[name]['mb']:6} MiB", flush=True)
        if count <= DLT_MOST:
            for base in ("sqlite", "duckdb"):
                target = self.folder / f"dlt-{base}"
                shutil.rmtree(target, ignore_errors=True)
                run = part("load_dlt", base, target, path)
                out[f"dlt, {base}"] = {**run.answer, "mb": run.tree_mb}
                print(f"{'dlt, ' + base:28} {run.answer['seconds']:8.2f} s {run.answer['cpu']:8.2f} cpu", flush=True)
        source = self.folder / "rows.parquet"
        rows.write(home, source)
        run = self.quickest("splink_plain", source, self.folder / "splink.parquet", "distinct")
        out["splink"] = {k: run.answer["seconds"][k] for k in ("train", "predict")} | {"mb": run.tree_mb}
        return {"rows": count, **out}

    def growth(self, count: int) -> dict[str, Any]:
        """``count`` rows, three months of four platforms, by ``nightly``: first, with the same bytes, with the same cells."""
        files = self._world(f"rows{count}", round(count / MONTHS), MONTHS, WORKBOOKS)
        reading = self.readers(files, count)
        read = reading["calamine"]["rows"]
        home = self._home("growth")
        out: dict[str, Any] = {"rows": read, "files": len(files), "reading": reading}
        for path in sorted((files[0].parent.parent / "pledges").iterdir()):
            shutil.copyfile(path, home / "inbox" / "pledges" / path.name)
        for name in ("first load", "the same files", "same cells, other bytes"):
            for path in files:
                target = home / "inbox" / "reports" / path.name
                if name == "same cells, other bytes":
                    saved_again(path, target)
                else:
                    shutil.copyfile(path, target)
            out[name] = told(product(home, "nightly"), read, _size(home))
            print(f"{read:9,} {name:28} {out[name]['seconds']:8.2f} s {out[name]['cpu']:8.2f} cpu {out[name]['mb']:6} MiB "
                  f"{out[name]['steps']}", flush=True)  # fmt: skip
        shutil.rmtree(home)
        return out


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    return {"date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 2), "python": platform.python_version(),
            **{n: version(n) for n in _VERSIONS}}  # fmt: skip


def _row(r: dict[str, Any]) -> str:
    return f"{r['seconds']:.2f} | {r['cpu']:.2f} | {r['mb']:,}"


def tables(result: dict[str, Any]) -> str:
    """Everything as markdown."""
    lines = []
    if wide := result.get("wide"):
        lines += [f"### One workbook, {wide['rows']:,} rows, 22 columns", "", "| what | seconds | cpu s | MiB |"]
        lines += ["|---|---|---|---|"]
        lines += [f"| {n}, bare reading | {_row(r)} |" for n, r in wide["reading"].items()]
        for name, r in wide.items():
            if isinstance(r, dict) and "import" in r:
                halves = ", ".join(f"{k} {r[k]['seconds']:.2f}" for k in ("import", "resolve and flag"))
                lines.append(f"| {name} ({halves}) | {_row(r)} |")
            elif name.startswith("dlt"):
                lines.append(f"| {name}, merge, no more | {_row(r)} |")
    for r in result.get("growth", []):
        lines += ["", f"### {r['rows']:,} rows in {r['files']} workbooks", ""]
        lines += ["| nightly | seconds | cpu s | µs cpu a row | MiB | database MiB | steps |", "|---|---|---|---|---|---|---|"]
        for name in ("first load", "the same files", "same cells, other bytes"):
            n = r[name]
            steps = ", ".join(f"{k} {v:.1f}" for k, v in n["steps"].items() if v >= 0.1)
            lines.append(f"| {name} | {n['seconds']:.2f} | {n['cpu']:.2f} | {n['cpu'] / r['rows'] * 1e6:.0f} | {n['mb']:,} | "
                         f"{n['database_mb']:,} | {steps} |")  # fmt: skip
        for name, b in r["reading"].items():
            lines.append(f"| bare reading, {name} | {b['seconds']:.2f} | {b['cpu']:.2f} | | {b['mb']:,} | | |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Prints tables, writes JSON and a picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--wide", type=int, default=200_000, help="rows of the single workbook; 0: leave it out")
    parser.add_argument("--seed", type=int, default=41)
    parser.add_argument("--repeat", type=int, default=1, help="runs of the references, of which the quickest counts")
    parser.add_argument("--home", type=Path, help="keep worlds here and take them again")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "pipeline.json")
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_name("results") / "pipeline.png")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = a.home or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, a.seed, a.repeat)
        result: dict[str, Any] = {"machine": machine(), "seed": a.seed}
        if a.wide:
            result["wide"] = bench.one_workbook(a.wide)
        result["growth"] = [bench.growth(count) for count in a.rows]
    a.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    picture.pipeline(result, a.picture)
    print(tables(result))


if __name__ == "__main__":
    main()
