"""Documents made from the program: the data dictionary, the settings, the codes. ``make docs`` writes them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
from sqlalchemy import JSON as Json
from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, String, Text

from zp_registry.cli.common import Answer, command
from zp_registry.cli.examples import examples_of, leaves
from zp_registry.flags.codes import FLAG_CODES, Family
from zp_registry.quarantine.reference import codes_reference
from zp_registry.registry.models import Base
from zp_registry.registry.reference import EVIDENCE_TABLES, EXPORTS, described
from zp_registry.settings import settings_reference

_FAMILIES: dict[Family, tuple[str, str]] = {
    "PLEDGE": ("承诺书 / Pledges", "每个主体一条。One flag per entity."),
    "TRANSFER": ("疑似转让、出租、出借 / Suspected transfers",
                 "每个账号、每个代码一条；只是线索，不是认定结论，须经人工核查。"
                 "One flag per account and code; a lead for a person to check, never a finding."),
    "DATA": ("数据疑点 / Doubtful data", "对数据本身的提示。Remarks on the data themselves."),
}
_FLAG_COLUMNS = (
    "代码 / Code", "含义 / Meaning", "通常级别 / Level", "种类 / Kind", "依据 / Ground", "常见的正当原因 / Innocent causes",
)
_TYPES = ((BigInteger, "big integer"), (Integer, "integer"), (Float, "float"), (LargeBinary, "bytes"), (Json, "JSON"))
_LEVELS = {"high": "高 high", "medium": "中 medium", "low": "低 low"}


def flags_reference() -> str:
    """Every flag code, one table for each family, as Markdown."""
    lines = [
        "# 线索代码 / Codes of flags", "",
        "“通常级别”可因旁证升降。“事件”在有人作出决定之前一直为未结；“状态”在情况消失后自行解除。",
        "The level is the usual one; a rule may lower or lift it. An *event* (事件) stays open until a person decides; "
        "a *state* (状态) resolves when it ends. Levels of TRANSFER flags follow the score: high from 0.8, medium from 0.5.",
    ]
    for family, (heading, meaning) in _FAMILIES.items():
        lines += ["", f"## {heading}", "", meaning, ""]
        lines += [f"| {' | '.join(_FLAG_COLUMNS)} |", "|---|---|---|---|---|---|"]
        for c in FLAG_CODES.values():
            if c.family == family:
                kind = "事件 event" if c.event else "状态 state"
                lines.append(f"| `{c.code}` | {c.title} | {_LEVELS[c.level]} | {kind} | {c.ground} | {c.innocent or '—'} |")
    return "\n".join(lines) + "\n"


def data_dictionary() -> str:
    """Every table and column of the database, and the columns of every export, as Markdown."""
    texts = {mapper.class_.__tablename__: mapper.class_.__doc__ or "" for mapper in Base.registry.mappers}
    knowledge = [name for name in Base.metadata.tables if name not in EVIDENCE_TABLES]
    lines = [
        "# Data dictionary", "",
        "Made by `make docs` from `zp_registry/registry/models` and `reference.py`: do not edit here.", "",
        "Dates are text `YYYY-MM-DD` and are dates of reports, not of loading; moments are ISO text in UTC. ID numbers, "
        "phones and payout accounts never stand in clear in the database: `*_hash` is a keyed hash for matching, "
        "`*_mask` what may be shown, `sealed` a ciphertext. Names, addresses and credit codes stand in clear.", "",
        "- [Exports](#exports), the tables that `zp-registry export` writes: the ones to build on",
        "- [Evidence](#evidence): what was reported and what people decided; cannot be made again",
        "- [Knowledge](#knowledge): computed from the evidence and rewritten as differences",
        "", "## Exports", "",
        "csv in UTF-8 with BOM, RFC 4180; or JSON Lines; or xlsx. Columns keep their order; new ones may follow behind.",
    ]
    for name, columns in EXPORTS.items():
        lines += ["", f"### export {name}", "", "| column | what it holds |", "|---|---|"]
        lines += [f"| `{column}` | {described(f'export {name}', column)} |" for column in columns]
    for title, names in (("Evidence", list(EVIDENCE_TABLES)), ("Knowledge", knowledge)):
        lines += ["", f"## {title}"]
        for name in names:
            lines += ["", f"### {name}", "", _prose(texts[name]), "",
                      "| column | type | null | key | what it holds |", "|---|---|---|---|---|"]
            lines += [_row(name, column) for column in Base.metadata.tables[name].columns]
    return "\n".join(lines) + "\n"


def _row(table: str, column: Column[object]) -> str:
    target = next(iter(column.foreign_keys), None)
    key = "primary" if column.primary_key else "unique" if column.unique else ""
    key += f"{', ' if key and target else ''}→ `{target.target_fullname}`" if target else ""
    null = "yes" if column.nullable else "no"
    return f"| `{column.name}` | {_type(column)} | {null} | {key} | {described(table, column.name)} |"


def _type(column: Column[object]) -> str:
    kind = column.type
    if isinstance(kind, Text):
        return "text"
    if isinstance(kind, String):
        return f"text ({kind.length})"
    return next((name for known, name in _TYPES if isinstance(kind, known)), str(kind).lower())


def _prose(docstring: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", " ".join(docstring.split()))


def commands_reference() -> str:
    """docs/commands.md: every command with its options and an example."""
    from zp_registry.cli import main

    lines = ["# Commands", "", "Made by `make docs` from the program: do not edit here. Every command also takes `--home DIR` "
             "and `--json` (one JSON object on standard output); exit codes: [README](../README.md#exit-codes)."]  # fmt: skip
    for path, one in leaves(main):
        if one.hidden:
            continue
        lines += ["", f"## {' '.join(path)}", "", f"{_prose(one.help or '')}", ""]
        context = click.Context(one, info_name=" ".join(("zp-registry", *path)))
        options = [p.get_help_record(context) for p in one.params if isinstance(p, click.Option)]
        lines += ["```sh", *(f"zp-registry {example}" for example in examples_of(path, one)), "```"]
        shown = [o for o in options if o and not o[0].startswith(("--home", "--json"))]
        if shown:
            lines += ["", "| option | what it does |", "|---|---|"]
            lines += [f"| `{_cell(name)}` | {_cell(text)} |" for name, text in shown]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def documents() -> dict[str, str]:
    """File name → text of every document that is made from the program."""
    return {
        "data-dictionary.md": data_dictionary(),
        "settings.md": settings_reference(),
        "commands.md": commands_reference(),
        "codes.md": codes_reference() + "\n" + flags_reference(),
    }


@click.command("docs", hidden=True)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=Path("docs"), show_default=True)
@command
def docs(answer: Answer, output: Path) -> None:
    """Write the documents that are made from the program."""
    output.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in documents().items():
        (output / name).write_text(text, "utf-8", newline="\n")
        written.append(str(output / name))
        answer.say(f"written: {output / name}")
    answer.give({"written": written})


COMMANDS = (docs,)

if __name__ == "__main__":  # python -m zp_registry.cli.docs FOLDER, as the Makefile calls it
    docs(["--output", *sys.argv[1:]] if sys.argv[1:] else [])
