"""The command line; it composes jobs and holds no rules."""

from __future__ import annotations

import click

from zp_registry import __version__
from zp_registry.cli import (
    cases,
    desk,
    docs,
    entity,
    jobs,
    load,
    look,
    meeting,
    pledging,
    rehearse,
    resolve,
    review,
    secure,
    work,
)
from zp_registry.cli.common import Main
from zp_registry.cli.examples import add_examples


@click.group(cls=Main, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zp-registry")
def main() -> None:
    """A county's e-commerce entities, built nightly from what platforms report."""


for module in (load, rehearse, resolve, work, review, cases, look, entity, desk, docs, pledging, meeting, secure, jobs):
    for item in module.COMMANDS:
        main.add_command(item)

add_examples(main)
