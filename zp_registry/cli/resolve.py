"""Commands that bring descriptions of one holder together: resolve, and the models it scores by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zp_registry.cli.common import Answer, command
from zp_registry.errors import UsageError
from zp_registry.frames import as_records
from zp_registry.jobs import derive, office, training
from zp_registry.registry import matchmodels
from zp_registry.resolve.model import Engine, MatchModel, load_model


@click.group("resolve", invoke_without_command=True)
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="Where pairs are scored; the result is the same.",
)
@click.option("--full", is_flag=True, help="Also when nothing has changed.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that holds everything that changes (default: $ZP_HOME or ./var).",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def resolve(context: click.Context, engine: str, full: bool, home: Path | None, as_json: bool) -> None:
    """De-duplicate into entities; flags follow in the same transaction (part of nightly)."""
    if context.invoked_subcommand is not None:  # given before the subcommand they count for it too
        context.default_map = {context.invoked_subcommand: {"home": home, "as_json": as_json}}
    else:
        context.invoke(_resolve, engine=engine, full=full, home=home, as_json=as_json)


@click.command("now", hidden=True)
@command
def _resolve(answer: Answer, engine: Engine, full: bool) -> None:
    derive_now(answer, "resolve", full, engine)


def derive_now(answer: Answer, name: str, full: bool, engine: Engine = "duckdb") -> None:
    """Resolves and flags, and says what changed."""
    with office.at_work(answer.settings, name) as opened:
        counts = derive.derive(opened, full=full, engine=engine)
        opened.summary = counts
    if not counts["changed"]:
        answer.say("nothing has changed")
    else:
        parts = {k: v for k, v in counts.items() if isinstance(v, dict)}
        answer.say("; ".join(f"{k} {', '.join(f'{n} {word}' for word, n in v.items())}" for k, v in parts.items()))
    answer.give(counts)


@resolve.command("train")
@click.option("--use", "use", is_flag=True, help="Score by it from the next resolve on (default: keep it only).")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed, the same model.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the model as a JSON file, too.")
@command
def resolve_train(answer: Answer, use: bool, seed: int, output: Path | None) -> None:
    """Train a model on what is loaded; it is kept, and no run changes it.

    Shows what each level of agreement is worth and, with numbers hidden, how right each threshold would be.
    """
    with office.at_work(answer.settings, "resolve train") as opened:
        trained = training.train_model(opened, seed=seed, use=use, output=output)
        opened.summary = {"version": trained.version, "hash": trained.model.hash(), "in_use": use}
    summary = trained.summary
    levels = summary.levels
    answer.table("what agreement is worth", list(levels.columns), levels.to_numpy().tolist())
    answer.table("with numbers hidden", list(summary.thresholds.columns), summary.thresholds.to_numpy().tolist())
    bands = trained.model.bands
    answer.say(f"bands: link from {bands.link:g}, review from {bands.review:g}, margin {bands.margin:g}")
    answer.say(f"model {trained.version} ({trained.model.hash()}) is {'in use' if use else 'kept, not in use'}")
    if output is not None:
        answer.say(f"written: {output}")
    answer.give({**_told(trained.model, trained.version, use), **summary.as_dict(), "output": output})


@resolve.command("models")
@command
def resolve_models(answer: Answer) -> None:
    """List the models: the packaged one and those that were trained here."""
    opened = office.open_office(answer.settings)
    with opened.engine.connect() as connection:
        kept = matchmodels.kept_models(connection)
    packaged, file = load_model(), opened.settings.resolve.model
    rows = [{**row, "in_use": bool(row["in_use"]) and file is None} for row in as_records(kept)]
    if file is not None:
        given = load_model(file)
        rows.insert(0, {"version": str(file), "name": given.name, "settings_hash": given.hash(), "in_use": True})
    taken = any(row["in_use"] for row in rows)
    rows.append({"version": "default", "name": packaged.name, "settings_hash": packaged.hash(), "in_use": not taken})
    columns = ["version", "name", "settings_hash", "trained_at", "who", "in_use"]
    answer.table("models", columns, [[_shown(row.get(c)) for c in columns] for row in rows])
    answer.give({"models": rows})


@resolve.command("use")
@click.argument("version")
@command
def resolve_use(answer: Answer, version: str) -> None:
    """Score by model VERSION from the next resolve on; `default`: the packaged one."""
    if version != "default" and not version.isdecimal():
        raise UsageError(f"{version!r} is neither the number of a model nor `default`")
    if answer.settings.resolve.model is not None:
        raise UsageError("the setting resolve.model names a file, which beats every kept model: take it out first")
    chosen = None if version == "default" else int(version)
    with office.at_work(answer.settings, "resolve use") as opened:
        with opened.engine.begin() as connection:
            model = matchmodels.use_model(connection, chosen)
        opened.summary = {"version": version, "hash": model.hash()}
    answer.say(f"model {version} ({model.hash()}) is in use from the next resolve on")
    answer.give(_told(model, version, True))


def _told(model: MatchModel, version: int | str, in_use: bool) -> dict[str, Any]:
    return {"version": version, "name": model.name, "settings_hash": model.hash(), "in_use": in_use}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)


COMMANDS = (resolve,)
