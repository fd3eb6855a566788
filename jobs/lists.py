"""Lists for people: missing pledges by town, suspected transfers; and the filled-in lists back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import structlog
from sqlalchemy import Connection

from zp_registry.errors import FileRefused
from zp_registry.flags.codes import FLAG_CODES
from zp_registry.flags.reminders import ReminderRules
from zp_registry.lists import cells
from zp_registry.lists.followups import read_followups, write_followups
from zp_registry.lists.safety import iso_date
from zp_registry.lists.transfers import write_transfers
from zp_registry.quarantine.codes import message
from zp_registry.registry import audit, bulk, tables
from zp_registry.registry.followups import add_attempts, followup_frame, note_listing
from zp_registry.registry.known import today
from zp_registry.registry.search import only
from zp_registry.registry.standing import reference_date
from zp_registry.sources import Taken, shown_name, take
from zp_registry.texts import joined, placed

from .derive import told_again
from .imports import FAILED, find_files
from .office import Office

log = structlog.get_logger(__name__)


def platform_titles(office: Office) -> Mapping[str, str]:
    """Platform id → its Chinese name, from the mappings."""
    return {m.id: m.title for m in office.mappings}


def reminder_rules(office: Office) -> ReminderRules:
    """The settings' reminder levels."""
    return ReminderRules(office.settings.pledges.reminder_attempts, office.settings.pledges.reminder_days)


def officers_of(office: Office) -> Callable[[pd.Series[str], pd.Series[str]], pd.Series[str]]:
    """Who is in charge of an entity, by its town and address: the grid officer of the longest word that the address holds, else
    the town's responsible body; empty when the settings name nobody."""
    towns = office.settings.towns
    words = {t: sorted(v.officers, key=len, reverse=True) for t, v in towns.items()}

    def one(town: str, address: object) -> str:
        if town not in towns:
            return ""
        text = address if isinstance(address, str) else ""
        word = next((w for w in words[town] if w in text), None)
        return towns[town].responsible if word is None else towns[town].officers[word]

    return lambda town, address: pd.Series(
        [one(t, a) for t, a in zip(town, address, strict=True)], index=town.index, dtype="str"
    )


def write_followup_lists(
    office: Office, *, by: Literal["town", "platform", "officer"] = "town", output: Path | None = None, as_of: str | None = None
) -> list[Path]:
    """The 催签清单 workbooks; each list that shows phones in clear is noted on the audit trail."""
    with office.engine.connect() as connection:  # nobody who writes waits while this is read
        day = as_of or reference_date(connection)
        if not day:
            return []
        frame = _frame(office, connection, day, as_of)
    with office.engine.begin() as connection:
        note_listing(connection, frame, audit.moment())
        audit.note(connection, "write follow-up lists", f"{len(frame)} entities with phone and address, by {by}, as of {day}")
    return write_followups(
        frame,
        output or office.home.lists,
        as_of=day,
        by=by,
        county=office.settings.county.name,
        platform_names=platform_titles(office),
    )


def write_pledge_notices(
    office: Office, *, by: Literal["town", "officer"] = "town", output: Path | None = None, town: str | None = None,
    level: str | None = None,
) -> list[Path]:  # fmt: skip
    """The 催签通知书, a page for each merchant of the list, one document per town or officer; noted on the audit trail.
    ``level``: those of one reminder level alone. UsageError for a template that cannot be used."""
    from zp_registry.lists.notices import load_template, write_notices  # loads what writes Word, as few need

    template = load_template(office.home.root)
    with office.engine.connect() as connection:
        day = reference_date(connection)
        if not day:
            return []
        frame = _frame(office, connection, day, None)
    for column, wanted in (("town", town), ("reminder", level)):
        frame = frame[frame[column] == wanted] if wanted else frame
    with office.engine.begin() as connection:
        note_listing(connection, frame, audit.moment())
        audit.note(connection, "write pledge notices", f"{len(frame)} entities with address, by {by}, as of {day}")
    return write_notices(
        frame,
        output or office.home.lists,
        as_of=day,
        by={"town": "town", "officer": "responsible"}[by],
        template=template,
        office=office.settings.county.signer(),
        days=office.settings.pledges.deadline_days,
        places=signing_places(office),
    )


def pledge_notices(office: Office, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The 催签通知书 of these lines (followup_lines.lines, with ``reminder``: a word of LEVELS) as one docx, in their order,
    from the same template. UsageError for a template that cannot be used."""
    from zp_registry.lists.notices import load_template, notices

    template = load_template(office.home.root)
    lines = pd.DataFrame(rows).rename(columns={"name": "subject_name", "address": "business_address"})
    with office.engine.connect() as connection:
        day = reference_date(connection)
        bulk.stage(connection, "pn_entities", lines[["entity_id"]].drop_duplicates().astype("str"))
        held = bulk.read(
            connection,
            "SELECT DISTINCT n.entity_id, a.platform FROM pn_entities n JOIN account a ON a.entity_id = n.entity_id "
            "WHERE a.gone_on IS NULL AND a.account_status <> 'closed' ORDER BY n.entity_id, a.platform",
        )
        bulk.unstage(connection, "pn_entities")
        titles = platform_titles(office)
        on = joined(held.set_index("entity_id")["platform"].map(lambda p: titles.get(p, p)).astype("str"), "、")
    with office.engine.begin() as connection:
        note_listing(connection, lines, audit.moment())
    return notices(
        lines.assign(platforms=lines["entity_id"].map(on).astype("str").fillna("")),
        template,
        day=iso_date(day),
        printed=today(),
        office=office.settings.county.signer(),
        days=office.settings.pledges.deadline_days,
        places=signing_places(office),
    )


def signing_places(office: Office) -> dict[str, str]:
    """Town → where pledges are signed, of the towns whose settings say so."""
    return {t: v.signing_place for t, v in office.settings.towns.items() if v.signing_place}


def _frame(office: Office, connection: Connection, day: str, as_of: str | None) -> pd.DataFrame:
    knowledge = told_again(office, connection, as_of).knowledge if as_of else tables.stored(connection)
    return followup_frame(
        connection,
        knowledge,
        office.ring,
        officers=officers_of(office),
        deadline_days=office.settings.pledges.deadline_days,
        reminders=reminder_rules(office),
        on=day,
        titles=platform_titles(office),
        unscanned=_unscanned(connection),
    )


def _unscanned(connection: Connection) -> set[str]:
    """Entities whose pledge has no scan: a remark on the list, not a reason to be on it."""
    return set(
        bulk.read(
            connection,
            """
        SELECT DISTINCT e.entity_id FROM pledge p JOIN entity e ON e.uscc = p.uscc OR e.id_hash = p.id_hash
        WHERE p.scan_number IS NULL AND p.superseded_by IS NULL""",
        )["entity_id"]
    )


def write_transfer_list(office: Office, *, output: Path | None = None) -> Path | None:
    """The workbook of suspected transfers with every row of evidence."""
    with office.engine.connect() as connection:
        day = reference_date(connection)
        if not day:
            return None
        knowledge = tables.stored(connection)
    with office.engine.begin() as connection:
        audit.note(connection, "write transfer list", f"names and accounts, as of {day}")
    flags = knowledge.flags[(knowledge.flags["family"] == "TRANSFER") & knowledge.flags["status"].isin(["open", "confirmed"])]
    lines = [
        {"flag_id": f, **item}
        for f, items in zip(flags["flag_id"], flags["evidence"], strict=True)
        for item in json.loads(items)
    ]
    evidence = pd.DataFrame(lines, columns=["flag_id", "as_of", "source_file", "sheet", "row", "what"])
    return write_transfers(
        flags,
        evidence,
        tables.accounts(knowledge),
        output or office.home.lists,
        as_of=day,
        county=office.settings.county.name,
        code_names={c: v.title for c, v in FLAG_CODES.items()},
        platform_names=platform_titles(office),
        entity_names=dict(zip(knowledge.entities["entity_id"], knowledge.entities["name"].fillna(""), strict=True)),
    )


@dataclass
class Returned:
    """What became of one filled-in list."""

    name: str
    added: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)
    refused: bool = False
    failed: bool = False


def import_followups(
    office: Office, paths: list[Path], towns: Sequence[str] | None = None
) -> list[tuple[Path, Taken | None, Returned]]:
    """Reads filled-in lists: attempts are counted, outcomes kept; a line that cannot be read is named, the rest is taken.
    ``towns``: lines about entities elsewhere are unknown, since whoever filled them in may not see those."""
    out = []
    seen, names = only(towns)
    with office.engine.connect() as connection:
        flags = bulk.read(
            connection,
            "SELECT f.flag_id, f.entity_id FROM flag f LEFT JOIN entity e ON e.entity_id = f.entity_id "
            f"WHERE f.family = 'PLEDGE' AND {seen}", names,
        )  # fmt: skip
    known = dict(zip(flags["flag_id"], flags["entity_id"], strict=True))
    for path in find_files(paths, home=office.home.root):
        returned, taken = Returned(shown_name(path)), None
        try:
            taken = take(path, cells.LIMITS.max_bytes, follow=path in paths)
            _take_in(office, taken, known, returned)
        except FileRefused as refused:
            returned.failed = refused.code == "FILE_CHANGING"  # it stays where it is until it is written
            returned.refused = not returned.failed
            returned.problems.append(f"{returned.name}：{message(refused.code, refused.detail)}")
        except Exception as error:  # our fault, not the clerk's: the others go on, and the file stays where it is
            log.exception("file failed", file=returned.name)
            returned.failed = True
            returned.problems.append(FAILED.format(name=returned.name, kind=type(error).__name__))
        out.append((path, taken, returned))
    return out


def _take_in(office: Office, taken: Taken, known: Mapping[str, str], returned: Returned) -> None:
    results, problems = read_followups(taken, known=known, today=today())
    returned.problems += [taken.name + placed(p.sheet, p.row, p.column) + f"：{p.message_zh}" for p in problems]
    results = results[results["flag_id"].notna()]
    with office.engine.begin() as connection:
        returned.added, _unknown = add_attempts(connection, results, audit.moment())
        returned.known = len(results) - returned.added
        audit.note(connection, "import follow-ups", f"{taken.name}: {returned.added} attempts")
