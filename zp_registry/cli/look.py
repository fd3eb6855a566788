"""Commands that look: show, export, status, runs, evaluate, audit."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pandas as pd

from zp_registry.cli.common import Answer, Day, command, tell_freshness
from zp_registry.cli.dossier import tell_dossier
from zp_registry.errors import UsageError
from zp_registry.evaluation import errors as faults
from zp_registry.evaluation import evaluate, picture, summary_tables
from zp_registry.evaluation.labels import KEY, REQUIRED, joined, known
from zp_registry.evaluation.pledges import evaluate_pledges
from zp_registry.evaluation.transfers import evaluate_transfers
from zp_registry.jobs import derive, office, watch
from zp_registry.lists.tables import FORMATS, write_table
from zp_registry.registry import audit, bulk, tables
from zp_registry.registry.dossier import account_dossier, entity_dossier
from zp_registry.registry.evaluation_inputs import read_described, read_inputs
from zp_registry.registry.runs import last_runs
from zp_registry.registry.standing import reference_date


@click.command("show")
@click.argument("what", metavar="ENTITY_ID|PLATFORM:ACCOUNT_ID")
@click.option("--as-of", type=Day(), help="As known from the reports up to this date.")
@command
def show(answer: Answer, what: str, as_of: str | None) -> None:
    """The dossier, with history and evidence; numbers masked."""
    opened = office.open_office(answer.settings)
    with opened.engine.begin() as connection:
        day = as_of or reference_date(connection) or "9999-12-31"
        platform, colon, account = what.partition(":")
        found = account_dossier(connection, platform, account, day) if colon else entity_dossier(connection, what, day)
        if found is None:
            raise UsageError(f"nothing is known of {what}")
        audit.note(connection, "show", what)
    if not answer.as_json:
        tell_dossier(answer, found)
    answer.give(found)


@click.command("export")
@click.argument("table", type=click.Choice(["accounts", "entities", "holdings", "flags", "rejects"]))
@click.option("--format", "form", type=click.Choice(["csv", "jsonl", "xlsx"]), default="csv", show_default=True,
              help="What is written.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write (default: standard output).")
@click.option("--as-of", type=Day(), help="As told from the reports up to this date.")
@click.option("--all-versions", is_flag=True, help="holdings: also what was once believed.")
@click.option("--unmask", is_flag=True, help="entities: ID numbers and phones in clear.")
@click.option("--reason", help="Why they are needed; written to the audit trail.")
@command
def export(
    answer: Answer,
    table: str,
    form: str,
    output: Path | None,
    as_of: str | None,
    all_versions: bool,
    unmask: bool,
    reason: str | None,
) -> None:
    """Write a table; identity values are masked unless --unmask --reason TEXT."""
    if unmask and not (reason or "").strip():
        raise UsageError("--unmask needs --reason TEXT, which is written to the audit trail")
    if output is None and (form == "xlsx" or answer.as_json):
        raise UsageError("--output FILE is needed for xlsx and with --json")
    opened = office.open_office(answer.settings)
    with opened.engine.begin() as connection:
        if as_of:
            knowledge = derive.told_again(opened, connection, as_of).knowledge
        else:
            knowledge = tables.stored(connection, all_versions=all_versions)
        if unmask:
            audit.note(connection, "export unmasked", table, reason)
        frame = {
            "accounts": lambda: tables.accounts(knowledge),
            "holdings": lambda: tables.holdings(knowledge),
            "flags": lambda: tables.flags(knowledge),
            "entities": lambda: tables.unmasked(connection, knowledge, opened.ring) if unmask else tables.entities(knowledge),
            "rejects": lambda: tables.rejects(connection, as_of),
        }[table]()
        audit.note(connection, "export", f"{table}: {len(frame)} rows")
    write_table(frame, list(frame.columns), output if output is not None else sys.stdout.buffer, form)  # type: ignore[arg-type]
    answer.say(f"{len(frame)} rows" + (f" written to {output}" if output else ""))
    answer.give({"table": table, "rows": len(frame), "file": str(output)})


@click.command("status")
@command
def status(answer: Answer) -> None:
    """Freshness of each platform with the duties of January and July, reports by source, and what is pending."""
    opened = office.open_office(answer.settings)
    with opened.engine.connect() as connection:
        fresh = bulk.read(
            connection,
            "SELECT source, part, MAX(as_of) AS newest, COUNT(*) AS reports FROM report WHERE superseded_by IS NULL "
            "GROUP BY source, part ORDER BY source, part",
            integers=["reports"],
        )
        pending = {
            name: int(bulk.read(connection, f"SELECT COUNT(*) AS n FROM {what}", integers=["n"])["n"].iloc[0])
            for name, what in (
                ("rejected rows open", "reject WHERE status = 'open'"),
                ("flags open", "flag WHERE status = 'open'"),
                ("entities", "entity"),
                ("accounts", "account"),
            )
        }
        day = reference_date(connection)
        duties = watch.platforms(opened, connection, watch.now())
        broken = audit.broken_link(connection)
    inbox = {f.name: sum(1 for p in f.rglob("*") if p.is_file()) for f in sorted(opened.home.inbox.iterdir()) if f.is_dir()}
    tell_freshness(answer, duties)
    answer.table("reports", ["source", "part", "newest report", "reports"], fresh.fillna("").to_numpy().tolist())
    answer.table(
        "pending", ["what", "count"], [[k, v] for k, v in {**pending, **{f"inbox/{k}": v for k, v in inbox.items()}}.items()]
    )
    answer.say(f"reference date: {day or 'none'}; audit trail {'whole' if broken is None else f'BROKEN at row {broken}'}")
    answer.give(
        {
            "reference_date": day,
            "platforms": fresh.fillna("").to_dict("records"),
            "freshness": [f.row() for f in duties],
            "pending": pending,
            "inbox": inbox,
            "audit_broken_at": broken,
        }
    )


@click.command("runs")
@click.option("--limit", type=int, default=20, show_default=True, help="Runs at most.")
@command
def runs(answer: Answer, limit: int) -> None:
    """The last runs, the newest first."""
    rows = last_runs(office.open_office(answer.settings).engine, limit)
    answer.table("runs", ["run", "command", "state", "started", "ended", "exit code"], [list(r.values()) for r in rows])
    answer.give({"runs": rows})


@click.command("evaluate")
@click.argument("truth", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--errors",
    "listing",
    type=click.Path(dir_okay=False, path_type=Path),
    help="List the errors with their accounts and edges: .csv, .jsonl or .xlsx.",
)
@click.option("--picture", "png", type=click.Path(dir_okay=False, path_type=Path), help="Draw precision over recall (.png).")
@command
def evaluate_(answer: Answer, truth: Path, listing: Path | None, png: Path | None) -> None:
    """Precision and recall against labels, by tier, trap and numbers shown, and what the review queue holds.

    truth_pledges.csv, truth_transfers.csv and truth_benign.csv beside TRUTH are used too.
    """
    form = listing.suffix.lstrip(".").lower() if listing else "csv"
    if form not in FORMATS or (png and png.suffix.lower() != ".png"):
        raise UsageError("--errors takes a file that ends in .csv, .jsonl or .xlsx, --picture one that ends in .png")
    labels = read_labels(truth)
    missing = set(REQUIRED) - set(labels.columns)
    if missing:
        raise UsageError(f"{truth}: the columns {', '.join(sorted(missing))} are missing")
    opened = office.open_office(answer.settings)
    with opened.engine.begin() as connection:
        knowledge = tables.stored(connection)
        model = derive.match_rules(connection, opened)[0].model
        bands = {"link": model.bands.link, "review": model.bands.review} if model else {}
        inputs = read_inputs(connection, labels, bands)
        out = evaluate(labels, inputs)
        if listing:
            members = faults.accounts_of_errors(known(joined(labels, inputs.accounts)))
            edges = faults.edges_of_errors(members, inputs.edges, inputs.subjects, inputs.party_of(labels))
            described = read_described(connection, faults.records_of_errors(members, edges, inputs.subjects))
            frame = faults.listing(members, edges, inputs.subjects, described)
            write_table(frame, list(frame.columns), listing, form, sheet="errors")
            out["errors"] = {"file": str(listing), "errors": int(members["error"].nunique()), "rows": len(frame)}
            audit.note(connection, "evaluate", f"{len(frame)} rows of errors listed")
    accounts, flags = tables.accounts(knowledge), tables.flags(knowledge)
    beside = {n: truth.parent / f"truth_{n}.csv" for n in ("pledges", "transfers", "benign")}
    if beside["pledges"].exists():
        out["pledges"] = evaluate_pledges(labels, read_labels(beside["pledges"]), accounts)
    if beside["transfers"].exists() and beside["benign"].exists():
        out["transfers"] = evaluate_transfers(read_labels(beside["transfers"]), read_labels(beside["benign"]), flags)
    if png:
        picture.draw(png, out["tiers"], out["thresholds"], f"{len(labels.drop_duplicates(KEY))} accounts of {truth.name}")
        out["picture"] = str(png)
    for title, columns, rows in summary_tables(out):
        answer.table(title, columns, rows)
    for name in ("pledges", "transfers", "errors"):
        answer.table(name, ["figure", "value"], [[k, v] for k, v in out.get(name, {}).items()])
    answer.give(out)


def read_labels(path: Path) -> pd.DataFrame:
    """A file of labels, every column as text. UsageError if it is no such file."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError):  # no UTF-8, no columns, rows of other lengths
        raise UsageError(f"{path} is not a CSV file in UTF-8 with a row of headers") from None


COMMANDS = (show, export, status, runs, evaluate_)
