"""What is handed over around the program: the package, the Makefile, the crontab, the systemd units, the versions."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from zp_registry.cli import main

ROOT = Path(__file__).parents[2]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", "utf-8")
FOLDERS = dict(line.split(" = ") for line in SETUP["options"]["package_dir"].strip().splitlines())
PACKAGES = SETUP["options"]["packages"].split()
PROGRAM = "/opt/zp-registry/.venv/bin/zp-registry"


def folder(package: str) -> Path:
    """Where a package's files stand in the checkout."""
    root = max((name for name in FOLDERS if package == name or package.startswith(name + ".")), key=len)
    return ROOT / FOLDERS[root] / package.removeprefix(root).strip(".").replace(".", "/")


def requirement(line: str) -> str:
    return re.split(r"[\[<>=!~ ;]", line.strip(), maxsplit=1)[0].lower().replace("_", "-")


# -- the package


def test_every_package_folder_is_declared() -> None:
    found = set()
    for name, path in FOLDERS.items():
        for init in (ROOT / path).rglob("__init__.py"):
            found.add(".".join((name, *init.parent.relative_to(ROOT / path).parts)))
    assert found == set(PACKAGES)


def test_the_wheel_holds_every_file_of_every_package(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(
        ".*", "build", "var", "__pycache__", "*.egg-info", "tests", "docs", "inbox", "samples"))
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                    "--disable-pip-version-check", "-w", str(tmp_path), str(source)], check=True)
    wheel = zipfile.ZipFile(next(tmp_path.glob("*.whl")))
    names = set(wheel.namelist())
    files = [(package.replace(".", "/"), path) for package in PACKAGES for path in folder(package).iterdir()
             if path.is_file() and path.suffix not in (".pyc", ".md")]
    missing = [str(path.relative_to(ROOT)) for inside, path in files if f"{inside}/{path.name}" not in names]
    assert missing == []
    metadata = next(name for name in names if name.endswith("/METADATA"))
    assert "License: Apache-2.0" in wheel.read(metadata).decode().replace("License-Expression", "License")
    assert any(name.endswith("/LICENSE") for name in names)


def test_the_source_distribution_builds_the_same_wheel_and_brings_documents_and_units(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(
        ".*", "build", "var", "__pycache__", "*.egg-info", "inbox", "samples"))
    build = "import setuptools.build_meta as b, sys; print(b.build_sdist(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=source, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as packed:
        packed.extractall(tmp_path / "out", filter="data")
    [top] = (tmp_path / "out").iterdir()
    for wanted in ("cron/zp-registry.cron", "docs/manual.zh-CN.md", "constraints.txt", "LICENSE", "jobs/nightly.py", "Makefile",
                   "mappings/jd.yaml", "sample_data/simulator/generate.py", "tests/conftest.py"):  # fmt: skip
        assert (top / wanted).is_file(), wanted
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                    "--disable-pip-version-check", "-w", str(tmp_path), str(top)], check=True)
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    inside = {f"{package.replace('.', '/')}/{path.name}" for package in PACKAGES for path in folder(package).iterdir()
              if path.is_file() and path.suffix not in (".pyc", ".md")}
    assert inside - names == set()


def test_everything_imported_is_declared() -> None:
    own_names = {"argon2-cffi": "argon2", "chinesecalendar": "chinese_calendar", "python-docx": "docx",
                 "python-stdnum": "stdnum", "pyyaml": "yaml"}
    declared = {requirement(line) for line in SETUP["options"]["install_requires"].strip().splitlines()}
    known = {own_names.get(name, name.replace("-", "_")) for name in declared} | {"zp_registry"}
    strangers = {}
    for package in PACKAGES:
        for path in folder(package).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                modules = ([alias.name for alias in node.names] if isinstance(node, ast.Import)
                           else [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else [])
                for module in {m.split(".")[0] for m in modules} - sys.stdlib_module_names - known:
                    strangers[module] = str(path.relative_to(ROOT))
    # The simulator writes old xls files with the one, and one of two engines is the other: both come with extras.
    extras = {requirement(line) for text in SETUP["options.extras_require"].values() for line in text.strip().splitlines()}
    for optional in ("xlwt", "pyspark"):
        assert optional in extras
        strangers.pop(optional, None)
    assert strangers == {}


def test_constraints_pin_every_declared_package_and_name_no_index() -> None:
    text = (ROOT / "constraints.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
    pinned = {requirement(line) for line in lines}
    extras = SETUP["options.extras_require"]
    wanted = SETUP["options"]["install_requires"] + extras["test"] + extras["spark"]
    assert {requirement(line) for line in wanted.strip().splitlines()} - pinned == set()


def test_every_package_of_an_installation_is_pinned_with_its_hashes() -> None:
    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    text = (ROOT / "requirements.txt").read_text("utf-8")
    tested = (ROOT / "constraints.txt").read_text("utf-8")
    pins = {plain(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", tested, re.MULTILINE)}
    hashed = {}
    for one in re.split(r"\n(?=\w)", text.split("\n", 2)[2]):
        found = re.match(r"([\w.-]+)==([\w.]+)(?: ; [^\\\n]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\s*\Z", one)
        assert found, one[:80]
        hashed[plain(found[1])] = found[2]
    assert {n: v for n, v in hashed.items() if pins.get(n) != v} == {}
    wanted = {plain(requirement(line)) for line in SETUP["options"]["install_requires"].strip().splitlines()}
    assert wanted - set(hashed) == set()


# -- the Makefile


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile and what an installation depends on, without anything installed."""
    (tmp_path / "zp_registry").mkdir()
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "constraints.txt", "zp_registry/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(where: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # Not what the 'make test' around us passes on.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *words], cwd=where, env=environ, capture_output=True, text=True, timeout=60, check=False)


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text, "utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize(("code", "passes"), [(0, True), (3, True), (1, False), (2, False), (4, False)])
def test_make_demo_passes_when_rows_were_turned_back(
        checkout: Path, monkeypatch: pytest.MonkeyPatch, code: int, passes: bool) -> None:
    script(checkout / ".venv/bin/zp-registry", f'echo "ran $* ${{ZP_DATABASE_URL-without database}}"; exit {code}\n')
    (checkout / ".venv/.installed").touch()
    monkeypatch.setenv("ZP_DATABASE_URL", "somebody's real database")
    done = make(checkout)
    assert done.stdout.startswith("ran demo --home var/demo without database\n")
    assert (done.returncode == 0) is passes


def test_make_says_what_is_missing_where_environments_cannot_be_made(checkout: Path) -> None:
    script(checkout / "python", 'case "$*" in *ensurepip*) exit 1 ;; esac\n')
    done = make(checkout, "demo", f"PYTHON={checkout}/python")
    assert done.returncode == 2
    assert "install the package python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_make_says_so_where_there_is_no_python(checkout: Path) -> None:
    done = make(checkout, "demo", "PYTHON=")
    assert done.returncode == 2
    assert "No Python 3.11 or newer" in done.stderr


# -- nightly runs


@pytest.mark.parametrize(("code", "mails"), [(0, False), (3, False), (1, True), (2, True), (4, True)])
def test_the_crontab_mails_only_on_failure(tmp_path: Path, code: int, mails: bool) -> None:
    text = (ROOT / "cron/zp-registry.cron").read_text("utf-8")
    jobs = [line for line in text.splitlines() if re.match(r"[\d*]", line)]
    assert text.endswith("\n")
    script(tmp_path / "program", f'echo "said $*"; echo problem >&2; exit {code}\n')
    for line in jobs:
        *_, user, command = line.split(maxsplit=6)
        assert user == "zp"
        assert "%" not in command  # cron would make a line break of it
        words = re.search(re.escape(PROGRAM) + " (.*?) 2>&1", command)
        assert words is not None
        command = command.replace(PROGRAM, str(tmp_path / "program")).replace("/var/lib/zp-registry", str(tmp_path))
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        said = f"said {words[1]}\nproblem\nzp-registry {words[1]} ended with code {code}\n"
        assert done.stdout == (said if mails else "")
        assert CliRunner().invoke(main, [*words[1].split(), "--help"]).exit_code == 0, "the command exists"


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / "cron" / name, "utf-8")
    return parser


@pytest.mark.parametrize(
    ("name", "words"),
    [("zp-registry", "nightly"), ("zp-registry-job@", "jobs run %i"), ("zp-registry-watchdog", "watchdog")],
)
def test_the_services_count_code_3_as_success_and_keep_to_their_home(name: str, words: str) -> None:
    service = unit(f"{name}.service")["Service"]
    assert service["SuccessExitStatus"] == "3"
    assert service["ExecStart"] == f"{PROGRAM} {words}"
    assert service["User"] == "zp"
    assert "ZP_HOME=/var/lib/zp-registry" in service["Environment"].split()
    assert service["StateDirectory"] == "zp-registry"
    assert service["ProtectSystem"] == "strict"


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    for unit_file in [*(ROOT / "cron").glob("*.service"), *(ROOT / "cron").glob("*.timer")]:
        (tmp_path / unit_file.name).write_text(unit_file.read_text("utf-8").replace(PROGRAM, "/bin/true"), "utf-8")
    assert len(list(tmp_path.iterdir())) == 9
    done = subprocess.run([analyze, "verify", *map(str, tmp_path.iterdir())], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_ci_script_and_the_makefile_are_whole() -> None:
    subprocess.run(["bash", "-n", str(ROOT / ".ci/run")], check=True)
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    done = make(ROOT, "-n", "-W", "setup.cfg", "test")
    assert done.returncode == 0, done.stderr
    for word in ("ruff check", "bandit", "mypy", "pytest -n auto -rs", "-c constraints.txt"):
        assert word in done.stdout


def test_an_audit_that_may_not_ask_says_so(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".installed").touch()
    done = make(checkout, "audit")
    assert (done.returncode, done.stdout.count("SKIPPED: pip-audit")) == (0, 1), done.stderr


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert text.rstrip().endswith("limitations under the License.")
    assert len(text) == 11358
