"""The documents say what the program does: generated ones are current, commands exist, links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
from click.testing import CliRunner

from zp_registry.cli import main
from zp_registry.cli.docs import documents
from zp_registry.cli.examples import below, examples_of, leaves
from zp_registry.flags.codes import FLAG_CODES
from zp_registry.quarantine.codes import CODES
from zp_registry.registry.models import Base
from zp_registry.registry.reference import COLUMNS, EVIDENCE_TABLES, EXPORTS, OVERRIDES, described
from zp_registry.settings import load_settings

ROOT = Path(__file__).parents[2]
OUTSIDE = {".git", ".venv", "var", "build", "__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
TABLES = {name: [c.name for c in table.columns] for name, table in Base.metadata.tables.items()}
WITH_EXPORTS = {**TABLES, **{f"export {name}": list(columns) for name, columns in EXPORTS.items()}}


def files() -> Iterator[Path]:
    """Every file of the checkout that belongs to the project."""
    stack = [ROOT]
    while stack:
        for path in stack.pop().iterdir():
            if path.name in OUTSIDE or path.name.endswith(".egg-info") or path.is_symlink():
                continue
            if path.is_dir():
                stack.append(path)
            else:
                yield path


MARKDOWN = sorted(str(p.relative_to(ROOT)) for p in files() if p.suffix == ".md")


# -- made from the program


@pytest.mark.parametrize("name", sorted(documents()))
def test_generated_documents_are_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == documents()[name], f"docs/{name} is out of date: run 'make docs'"


def test_the_command_writes_every_generated_document(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["docs", "--output", str(tmp_path / "out"), "--home", str(tmp_path / "home")])
    assert done.exit_code == 0, done.output
    assert {p.name: p.read_text("utf-8") for p in (tmp_path / "out").iterdir()} == documents()


@pytest.mark.parametrize("table", sorted(WITH_EXPORTS))
def test_every_column_is_described(table: str) -> None:
    missing = [c for c in WITH_EXPORTS[table] if (table, c) not in OVERRIDES and c not in COLUMNS]
    assert missing == [], f"zp_registry/registry/reference.py describes no {missing} of {table}"
    for column in WITH_EXPORTS[table]:
        text = described(table, column)
        assert text.endswith("."), f"{table}.{column}"
        assert "|" not in text, f"{table}.{column}: the text would break the table"


def test_no_description_is_left_behind() -> None:
    columns = {c for names in WITH_EXPORTS.values() for c in names}
    assert set(COLUMNS) - columns == set()
    assert [key for key in OVERRIDES if key[1] not in WITH_EXPORTS.get(key[0], [])] == []
    assert set(EVIDENCE_TABLES) <= set(TABLES)


def test_every_table_says_what_it_holds_and_stands_in_the_dictionary_once() -> None:
    text = documents()["data-dictionary.md"]
    for mapper in Base.registry.mappers:
        name = mapper.class_.__tablename__
        assert text.count(f"\n### {name}\n") == 1
        assert (mapper.class_.__doc__ or "").strip(), name
    for table, columns in TABLES.items():
        section = text.split(f"\n### {table}\n")[1].split("\n### ")[0]
        assert re.findall(r"^\| `(\w+)` ", section, re.MULTILINE) == columns


def test_every_code_of_a_fault_and_of_a_flag_is_published() -> None:
    faults, flags = documents()["codes.md"].split("# 线索代码")
    for code in CODES:
        assert faults.count(f"| `{code}` |") == 1
    for code in FLAG_CODES:
        assert flags.count(f"| `{code}` |") == 1


# -- commands that the documents quote


def quoted_commands(text: str) -> list[str]:
    """Every line of code blocks and every piece of inline code that calls the program, without what stands before it."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    found = []
    for line in [*lines, *inline]:
        for piece in re.split(r"&&|\|\||;", line.split(" # ")[0]):
            # The last one counts: folders before it may bear the same name.
            call = re.match(r"(?:.*[\s/])?zp-registry(?=\s)(.*)", piece)
            if call and not re.match(r"\s*(mkdir|cd|cp|chown|useradd|install)\b", piece):
                found.append(call[1].strip())
    return found


COMMANDS = [(name, line) for name in MARKDOWN for line in quoted_commands((ROOT / name).read_text("utf-8"))]


def test_the_documents_quote_commands() -> None:
    assert {name for name, _ in COMMANDS} >= {"README.md", "README.zh-CN.md"}


@pytest.mark.parametrize(("name", "line"), COMMANDS, ids=[f"{n}: {c}" for n, c in COMMANDS])
def test_a_quoted_command_exists(name: str, line: str) -> None:
    """Unknown commands and options fail before --help is answered; values of choices are checked besides."""
    words = shlex.split(line)
    done = CliRunner().invoke(main, [*words, "--help"])
    assert done.exit_code == 0, f"{name} quotes 'zp-registry {line}': {done.output}"
    command: click.Command = main
    while words and words[0] in below(command):
        command = below(command)[words.pop(0)]
    assert command is not main or not words, f"{name}: 'zp-registry {line}' names no command"
    context = click.Context(command)
    values, _, _ = command.make_parser(context).parse_args(words)
    for parameter in command.params:
        value = values.get(parameter.name or "")
        if isinstance(parameter.type, click.Choice) and isinstance(value, str):
            parameter.type.convert(value, parameter, context)


@pytest.mark.parametrize("name", MARKDOWN)
def test_quoted_settings_are_right(name: str, tmp_path: Path) -> None:
    for block in re.findall(r"^```toml\n(.*?)^```", (ROOT / name).read_text("utf-8"), re.MULTILINE | re.DOTALL):
        file = tmp_path / "zp-registry.toml"
        file.write_text(block, "utf-8")
        load_settings(environ={"ZP_CONFIG": str(file)})


def test_every_command_is_documented_with_an_example() -> None:
    text = documents()["commands.md"]
    for path, command in leaves(main):
        if command.hidden:
            continue
        assert examples_of(path, command), f"zp_registry/cli/examples.py has no example of {' '.join(path)}"
        assert text.count(f"\n## {' '.join(path)}\n") == 1
        assert "Example: zp-registry" in CliRunner().invoke(main, [*path, "--help"]).output
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{' '.join(path)} {parameter.opts[0]} is not explained"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("zp-registry pul", "pull"), ("zp-registry jobs run --d", "--due"), ("zp-registry jobs run b", "backup")],
)
def test_the_shell_completes_commands_options_and_choices(typed: str, offered: str) -> None:
    program = Path(sys.executable).with_name("zp-registry")
    asked = {"_ZP_REGISTRY_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    env = {**os.environ, **asked}
    done = subprocess.run([program], env=env, capture_output=True, text=True, check=False)
    assert offered in [line.partition(",")[2] for line in done.stdout.splitlines()]


# -- links


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda m: m[1] or "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def links(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\"", prose)
    return [a or b for a, b in found if not re.match(r"[a-z]+:", a or b)]


@pytest.mark.parametrize("name", MARKDOWN)
def test_links_lead_to_files_and_headings_that_exist(name: str) -> None:
    page = ROOT / name
    dead = []
    for link in links(page.read_text("utf-8")):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            dead.append(link)
        elif anchor and target.suffix == ".md":
            headings = re.findall(r"^#{1,6}\s+(.+)$", target.read_text("utf-8"), re.MULTILINE)
            if anchor not in {slug(h) for h in headings}:
                dead.append(link)
    assert dead == []


def test_pictures_are_small_and_used() -> None:
    pictures = [p for p in (ROOT / "docs").rglob("*") if p.suffix in (".png", ".svg")]
    assert pictures
    text = "".join((ROOT / name).read_text("utf-8") for name in MARKDOWN)
    for picture in pictures:
        assert picture.stat().st_size < 150_000, picture.name
        assert picture.name in text, f"{picture.name} is shown nowhere"


# -- nothing that only holds where the project was made

# In pieces, so that this file does not find itself.
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "/py" + "pi/simple", "--index" + "-url", "--extra-index" + "-url")
PLACES = re.compile(r"(?<![\w.\-/])/(?:work/(?:main|shared|\.)|tmp/" + r"venv|home/[a-z])")


def test_no_file_names_a_package_index_or_a_machine_of_the_workplace() -> None:
    found = []
    for path in files():
        text = path.read_bytes().decode("utf-8", "ignore")
        found += [f"{path.relative_to(ROOT)}: {host}" for host in HOSTS if host in text]
        found += [f"{path.relative_to(ROOT)}: {place[0]}" for place in PLACES.finditer(text)]
    assert found == []
