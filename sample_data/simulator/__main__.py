"""``python -m zp_registry.simulator OUT --seed 7 --parties 1500 --months 6 --dirt 1.0``"""

from __future__ import annotations

import json
from pathlib import Path

import click

from .base import LAYOUTS
from .dirt import Dirt
from .generate import generate


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", type=int, required=True, help="Same seed and options, same bytes.")
@click.option("--parties", type=click.IntRange(1), default=1500, show_default=True, help="Legal subjects.")
@click.option("--accounts", type=click.IntRange(10, 2_000_000), help="Exactly so many accounts, instead of --parties.")
@click.option("--months", type=click.IntRange(1, 24), default=6, show_default=True)
@click.option("--start", default="2026-01", show_default=True, help="First month, YYYY-MM.")
@click.option(
    "--dirt", type=click.FloatRange(0, 50), default=1.0, show_default=True, help="Factor on all dirt rates; 0: clean files."
)
@click.option("--layouts", default=",".join(LAYOUTS), help="Report layouts to write, with commas between.")
@click.option("--ledger/--no-ledger", default=True, show_default=True)
@click.option(
    "--old-template",
    type=click.FloatRange(0, 0.5),
    default=0.0,
    show_default=True,
    help="Share of pledges on a former template; a registry needs [pledges] current_version = '2024版' to tell them.",
)
def main(
    out: Path,
    seed: int,
    parties: int,
    accounts: int | None,
    months: int,
    start: str,
    dirt: float,
    layouts: str,
    ledger: bool,
    old_template: float,
) -> None:
    """Write an invented county's reports, pledge ledgers and labels into OUT."""
    try:
        counts = generate(
            out,
            seed=seed,
            parties=parties,
            accounts=accounts,
            months=months,
            start=start,
            dirt=Dirt().scaled(dirt),
            layouts=tuple(x for x in layouts.split(",") if x),
            ledger=ledger,
            old_template=old_template,
        )
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc
    click.echo(json.dumps(counts))


if __name__ == "__main__":
    main()
