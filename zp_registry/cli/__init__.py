"""The command line; it composes jobs and holds no rules."""

from __future__ import annotations

from importlib import import_module

import click

from zp_registry import __version__
from zp_registry.cli.common import Main
from zp_registry.cli.examples import add_examples

# Where each command stands, in the order of documents. A module is loaded when one of its commands is asked for: what one
# command needs (pictures, documents, the web server) shall not slow the start of every other.
_MODULES = (
    ("load", ("init", "import")),
    ("pledging", ("pledges",)),
    ("load", ("pull", "mappings")),
    ("rehearse", ("rehearse",)),
    ("resolve", ("resolve",)),
    ("work", ("flag", "nightly", "demo", "followups", "rejects")),
    ("review", ("review",)),
    ("cases", ("case", "notices", "tip")),
    ("look", ("show", "export", "status", "runs", "evaluate")),
    ("entity", ("entity",)),
    ("desk", ("serve", "desk")),
    ("docs", ("docs",)),
    ("meeting", ("bulletin", "reverify", "extract", "candidates")),
    ("secure", ("backup", "restore", "doctor", "keys", "audit", "unmask", "retention", "person",
                "roles")),
    ("jobs", ("jobs", "watchdog", "health")),
)
_MODULE_OF = {command: module for module, commands in _MODULES for command in commands}


class _Program(Main):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULE_OF)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands and cmd_name in _MODULE_OF:
            for item in import_module(f"zp_registry.cli.{_MODULE_OF[cmd_name]}").COMMANDS:
                self.add_command(item)
                add_examples(item, (str(item.name),))
        return self.commands.get(cmd_name)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zp-registry")
def main() -> None:
    """A county's e-commerce entities, built nightly from what platforms report."""
