"""Rejected rows out to a clerk as a workbook, and the corrected workbook back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy import Connection

from zp_registry.crypto import mask_account, mask_id, mask_phone
from zp_registry.errors import FileRefused
from zp_registry.lists import cells
from zp_registry.lists.rejects import RejectItem, read_rejects, write_rejects
from zp_registry.mapping import RawRow, from_raw
from zp_registry.quarantine.codes import message
from zp_registry.quarantine.judge import Expectations
from zp_registry.registry import audit
from zp_registry.registry.rejects import KeptRow, close, laid_over, open_rejects
from zp_registry.sources import Taken, shown_name, take
from zp_registry.texts import placed

from .imports import FAILED, Options, Outcome, find_files, load_mapped
from .lists import platform_titles
from .office import Office

log = structlog.get_logger(__name__)

_NUMBER = re.compile(r"[0-9０-９]{7,}[XxＸｘ]?")
A_FEW_ROWS = Expectations(max_rejected_share=1.0)  # what holds for a whole report does not hold for a handful of its rows


def shown_cells(kept: KeptRow) -> dict[str, str]:
    """The row as a clerk sees it: bad cells in clear; in all others every run of digits that could be a number, phone or payee
    account is masked, whatever the column is called."""
    return {h: v if h in kept.bad else masked_text(v) for h, v in kept.cells.items()}


def masked_text(text: str) -> str:
    """A cell with every run of digits masked that could be a number, phone or payee account."""
    return _NUMBER.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    text = found.group()
    return mask_id(text) if len(text) in (15, 18) else mask_phone(text) if len(text) == 11 else mask_account(text)


def export_rejects(office: Office, path: Path) -> int:
    """Writes the open rejects; the bad cells stand in clear, which is noted on the audit trail. Returns how many rows."""
    titles = platform_titles(office)
    with office.engine.begin() as connection:
        kept = open_rejects(connection, office.ring)
        audit.note(connection, "export rejects", f"{len(kept)} rows with their bad cells in clear")
    items = []
    for k in kept:
        cells = shown_cells(k)
        items.append(
            RejectItem(
                token=k.token,
                source_file=k.source_file,
                sheet=k.sheet,
                row=k.row,
                platform_title=titles.get(k.mapping, k.mapping),
                as_of=k.as_of,
                headers=list(cells),
                cells=list(cells.values()),
                bad=k.bad,
            )
        )
    write_rejects(items, path)
    return len(items)


@dataclass
class Corrected:
    """What became of a corrected workbook."""

    name: str
    outcomes: list[Outcome] = field(default_factory=list)
    closed: int = 0
    untouched: int = 0
    failed: bool = False
    problems: list[str] = field(default_factory=list)


def import_rejects(
    office: Office, paths: list[Path], own: str | None = None
) -> list[tuple[Path, Taken | None, Corrected]]:
    """Lays the edited cells over the sealed originals and loads the rows again under their old place and date. ``own``: rows
    of files that this person uploaded alone."""
    out = []
    for path in find_files(paths, home=office.home.root):
        taken, name = None, shown_name(path)
        try:
            taken = take(path, cells.LIMITS.max_bytes, follow=path in paths)
            result = _import_one(office, taken, own)
        except FileRefused as refused:
            waits = refused.code == "FILE_CHANGING"  # it stays where it is until it is written
            result = Corrected(name, problems=[f"{name}：{message(refused.code, refused.detail)}"], failed=waits)
        except Exception as error:  # our fault, not the clerk's: the others go on, and the file stays where it is
            log.exception("file failed", file=name)
            result = Corrected(name, problems=[FAILED.format(name=name, kind=type(error).__name__)], failed=True)
        out.append((path, taken, result))
    return out


def _import_one(office: Office, taken: Taken, own: str | None) -> Corrected:
    result = Corrected(taken.name)
    corrected, problems = read_rejects(taken)
    result.problems += [taken.name + placed(p.sheet, p.row) + f"：{p.message_zh}" for p in problems]
    return apply_corrections(office, result, {c.token: c.cells for c in corrected}, own)


def apply_corrections(
    office: Office, result: Corrected, edited: dict[str, dict[str, str]], own: str | None = None
) -> Corrected:
    """Lays edited cells (by token and header, as :func:`shown_cells` showed them) over the originals and loads those rows
    again; ``result.name`` says where they come from. ``own``: rows of files that this person uploaded alone."""
    with office.engine.connect() as connection:
        kept = open_rejects(connection, office.ring, list(edited), own)
    found = {k.token for k in kept}
    result.problems += [f"{result.name}：令牌 {t} 不在待更正之列" for t in edited if t not in found]
    groups: dict[tuple[int, str], list[tuple[KeptRow, dict[str, str]]]] = {}
    for k in kept:
        if k.status == "superseded":  # the whole report came anew: a correction of the old one must not stand beside it
            result.problems.append(f"{result.name}：{k.source_file} 第{k.row}行已由后来的同期报送取代，此处更正不再采用")
            continue
        cells = laid_over(k.cells, shown_cells(k), edited[k.token])
        if cells == k.cells:
            result.untouched += 1
            continue
        groups.setdefault((k.file_id, k.as_of), []).append((k, cells))
    for (_, as_of), rows in groups.items():
        _load_again(office, result, as_of, rows)
    return result


def _load_again(
    office: Office, result: Corrected, as_of: str, rows: list[tuple[KeptRow, dict[str, str]]]
) -> None:
    first = rows[0][0]
    raw = [RawRow(sheet=k.sheet, row=k.row, cells=cells) for k, cells in rows]

    def done(connection: Connection) -> None:
        close(connection, [k.token for k, _ in rows], audit.moment())
        changed = {h for k, cells in rows for h, v in cells.items() if v != k.cells.get(h)}
        places = ", ".join(f"{k.sheet} {k.row}".strip() for k, _ in rows[:20])
        what = f"{len(rows)} rows of {first.source_file} ({places}): {'、'.join(sorted(changed))}"
        audit.note(connection, "import corrected rows", f"{result.name}: {what}")

    scope = "delta"  # a few corrected rows say nothing about the accounts that are not among them
    try:
        mapped = from_raw(
            raw, mapping=office.mappings[first.mapping], as_of=as_of or None, scope=scope, file_name=first.source_file
        )
        mapped.frame["part"] = (
            mapped.frame["part"].fillna("") + f"+更正{first.token[:6]}"
        )  # beside the report, not in its place
        outcome = load_mapped(office, mapped, Options(kind=first.kind, as_of=as_of or None, scope=scope), A_FEW_ROWS, done)
    except FileRefused as refused:
        # Every one of the rows is still bad: the shares that the refusal speaks of are about whole reports.
        several = refused.code == "REJECTED_TOO_MANY" and "其中 " in refused.detail
        why = refused.detail.partition("其中 ")[2] if several else message(refused.code, refused.detail)
        result.problems.append(f"{first.source_file} 的更正行仍不合格：{why}")
        return
    result.outcomes.append(outcome)
    result.closed += len(rows)
