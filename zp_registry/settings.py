"""Settings: ``zp-registry.toml`` in the working folder (or the file that ZP_CONFIG names), and variables, which beat it.

The variable of ``validity_years`` in ``[pledges]`` is ``ZP_PLEDGES__VALIDITY_YEARS``; an empty variable counts as not given.
Lists are words with commas between, or JSON. Every setting's description here is its documentation (docs/settings.md).
The master key is no setting: see :mod:`zp_registry.crypto.master`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from zp_registry import settings_origin
from zp_registry.crypto.ciphers import CipherName
from zp_registry.errors import UsageError
from zp_registry.frames import EXTRACTS
from zp_registry.settings_origin import section_of

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
CONFIG_FILE, CONFIG_VARIABLE = "zp-registry.toml", "ZP_CONFIG"


def _words(value: object) -> object:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _numbers(value: object) -> object:
    return [int(word) for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _guarded(url: str) -> str:
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        return url
    raise ValueError("must begin with https:// (http:// only to this machine): identity data never travels in clear")


def _place(place: str) -> str:
    kind, _, where = place.partition(":")
    if kind == "env" and where.isidentifier():
        return place
    if kind == "file" and os.path.isabs(path := os.path.expanduser(where)):
        return f"file:{path}"
    raise ValueError("must be env:VARIABLE or file:/absolute/path; the secret itself never stands here")


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
AbsolutePath = Annotated[Path, AfterValidator(lambda p: Path(os.path.abspath(os.path.expanduser(p))))]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of the settings: frozen, and an unknown key in it is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class CountySettings(Section):
    """The county whose registry this is."""

    code: str = Field(default="411324", pattern=r"^\d{6}$", description="The county's six-digit administrative code.")
    name: str = Field(default="镇平县", description="The county's full name, as addresses write it.")
    bureau: str = Field(default="", description="Who signs notices and bulletins; not given: the county's "
                        "市场监督管理局.")

    def signer(self) -> str:
        """Who signs notices and bulletins."""
        return self.bureau or f"{self.name}市场监督管理局"


class TownSettings(Section):
    """One town, under its full name: `[towns."石佛寺镇"]`."""

    responsible: str = Field(default="", description="Who follows up missing pledges there (责任单位/网格员).")
    officers: dict[str, str] = Field(default_factory=dict, description="Grid officers by a word of the address (a village, a "
                                     "market, a street); the longest word found counts, else `responsible`.")
    signing_place: str = Field(default="", description="Where pledges are signed and whom to call; stands on notices.")


class QuarantineSettings(Section):
    """When a whole file is refused for its rows. A mapping's own expectations may be stricter."""

    max_rejected_share: Share = Field(default=0.5, description="A file with more rejected rows than this is refused (0 to 1).")
    min_rows_for_shares: Count = Field(default=5, description="Files with fewer rows are not judged by shares.")


SubjectKind = Literal["enterprise", "sole_proprietor", "cooperative", "natural_person", "other"]


class PledgeSettings(Section):
    """Which integrity pledges (诚信经营承诺书) hold."""

    validity_years: Count = Field(default=2, description="Years from the signing date, where the ledger names no end.")
    current_version: str | None = Field(
        default=None, description="The one template version that holds; not given: every version holds.")
    outdated_versions: Words = Field(default=(), description="Template versions that no longer hold (status `outdated`).")
    exempt: Words = Field(default=(), description="Entity ids or credit codes that need not sign (status `exempt`).")
    must_sign: Annotated[tuple[SubjectKind, ...], BeforeValidator(_words)] = Field(
        default=("enterprise", "sole_proprietor", "cooperative", "natural_person", "other"),
        description="Kinds of holders that must sign; the others are `exempt`.")
    streamers_sign: bool = Field(
        default=False, description="Persons on camera who hold no account must sign too; they stand on a list of their own.")
    agencies_sign: bool = Field(default=False, description="The same of agencies (服务机构).")
    platforms_sign: bool = Field(default=False, description="The same of platforms.")
    person_covers_shop: bool = Field(
        default=False, description="A person's pledge counts for the sole proprietorship that the person runs.")
    shop_covers_person: bool = Field(default=False, description="The reverse.")
    alike_covers: bool = Field(
        default=True, description="Who is probably the signer under another description (same name and visible digits, waiting "
        "in review) counts as signed until review has decided.")
    deadline_days: Count = Field(default=15, description="Days from an entity's first listing to the deadline on the lists.")
    reminder_attempts: Annotated[tuple[int, int, int], BeforeValidator(_numbers)] = Field(
        default=(1, 2, 3), description="Attempts from which the second notice, a visit and the hand-over are due.")
    reminder_days: Annotated[tuple[int, int, int], BeforeValidator(_numbers)] = Field(
        default=(15, 30, 45), description="Days since the first listing that must have passed for the same; both count.")


class ExtractSettings(Section):
    """What one department is given, under a short name: `[extracts.NAME]`. Nothing that is not named here goes out."""

    title: str = Field(description="The department's name, as it stands on the file.")
    of: Literal["accounts", "entities", "cases", "candidates"] = Field(description="Rows of what.")
    columns: Words = Field(min_length=1, description="The columns that it may see, in their order; numbers are masked.")
    towns: Words = Field(default=(), description="Full names of the towns whose rows it may see; none: the whole county.")
    states: Words = Field(default=(), description="Of cases: only those in these states; none: all.")

    @model_validator(mode="after")
    def _known(self) -> ExtractSettings:
        if unknown := [c for c in self.columns if c not in EXTRACTS[self.of]]:
            raise ValueError(f"{self.of} have no column {unknown[0]!r}; there are: {', '.join(EXTRACTS[self.of])}")
        return self


class BulletinSettings(Section):
    """The joint meeting's bulletin."""

    late_days: Count = Field(default=10, description="Days after its date from which a platform's report counts as late.")


class FlagSettings(Section):
    """From how many unrelated holders on one thing is a lead."""

    shared_payee_holders: int | None = Field(
        default=None, ge=2, description="Unrelated holders paid into one account; not given: the rules' 起数 (3).")
    shared_streamer_holders: int | None = Field(
        default=None, ge=2, description="Unrelated holders with one person on camera; not given: the rules' 起数 (3).")
    shared_phone_holders: int | None = Field(
        default=None, ge=2, description="Unrelated holders with one contact phone; not given: the rules' 起数 (5).")
    farm_holders: int = Field(default=5, ge=2, description="Unrelated holders from which sharing is a strong lead.")


Preference = Literal["valid", "registered", "newest", "often", "source"]


def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(words)) < len(words):
        raise ValueError("a word stands twice")
    return words


Order = Annotated[tuple[Preference, ...], BeforeValidator(_words), AfterValidator(_once), Field(min_length=1)]
_IDENTITY: tuple[Preference, ...] = ("valid", "registered", "newest", "often", "source")
_PLACE: tuple[Preference, ...] = ("newest", "registered", "often", "source")


class SurvivorshipSettings(Section):
    """Which of an entity's values is shown, field by field, the first word first: `valid` (from a row with a whole valid number
    over one with a masked number over one with none; of numbers and phones: whole over masked), `registered` (a platform's own
    report over a shared copy), `newest` (the later report date), `often` (what more rows say), `source` (the order of
    `sources`). Where these leave several, the newer one is shown, then the platform's own."""

    name: Order = Field(default=_IDENTITY, description="The name.")
    number: Order = Field(default=_IDENTITY, description="The credit code or ID number.")
    kind: Order = Field(default=_IDENTITY, description="The kind of subject.")
    phone: Order = Field(default=("valid", "newest", "registered", "often", "source"), description="The phone.")
    contact: Order = Field(default=_PLACE, description="Whom to call.")
    address: Order = Field(default=_PLACE, description="The address.")
    town: Order = Field(default=_PLACE, description="The town.")
    sources: Annotated[Words, AfterValidator(_once)] = Field(
        default=(), description="Mapping ids, the most trusted first; others come behind.")


class ResolveSettings(Section):
    """How reports of one holder are brought together. Weights are match weights: log2 of the odds that two are one."""

    model: AbsolutePath | None = Field(
        default=None, description="A model's JSON file; not given: the model in use (`resolve use`), else the packaged one.")
    use_model: bool = Field(default=True, description="`false`: exact and partial links alone, no model.")
    hub_names: int = Field(default=4, ge=2, description="Different names from which a phone, payee account or address says "
                           "nothing about who somebody is.")
    largest_cluster: int = Field(default=2000, ge=2, description="Subjects that a cluster with a valid number may have by "
                                 "weaker links than that number.")
    largest_unnumbered: int = Field(default=300, ge=2, description="The same for a cluster without any valid number.")
    bridge_size: int = Field(default=3, ge=2, description="Two groups of so many subjects each are not joined by the model on "
                             "the word of a single pair.")
    queue_per_subject: int = Field(default=5, ge=1, description="How many possible duplicates of one go to review at most.")
    part_rows: int = Field(default=50_000, ge=1, description="Report rows whose histories and flags are worked out at a time: "
                           "fewer need less memory and a little more time; the result is the same.")
    survivorship: SurvivorshipSettings = SurvivorshipSettings()


class ApiSettings(Section):
    """One platform's interface, under the platform's id: `[api.ID]`. The secret itself never stands in this file."""

    enabled: bool = Field(default=True, description="`false`: `nightly` and `pull` leave this platform out.")
    base_url: Annotated[str, AfterValidator(_guarded)] = Field(
        description="Where the interface is: `https://…`; `http://` only on this machine.")
    secrets: dict[str, Annotated[str, AfterValidator(_place)]] = Field(
        default_factory=dict, description="Where each secret of the mapping is: `name = \"env:VARIABLE\"`, or "
        "`\"file:/path\"` of a file that its owner alone can read.")
    token_env: str | None = Field(
        default=None, description="Short for the only secret of a mapping: name of the variable that holds it.")
    token_file: AbsolutePath | None = Field(
        default=None, description="The same: file that holds it, readable by its owner alone.")

    def places(self) -> dict[str, str]:
        """Secret → place, `*` for the only one of a mapping. The variable beats the file."""
        short = f"env:{self.token_env}" if self.token_env else f"file:{self.token_file}" if self.token_file else None
        return {**({"*": short} if short else {}), **self.secrets}


class LimitSettings(Section):
    """What a file may hold at most; a larger one is refused before it fills the memory."""

    max_bytes: Count = Field(default=200 * 1024 * 1024, description="Bytes of a file.")
    max_rows: Count = Field(default=2_000_000, description="Rows of a sheet.")
    max_columns: Count = Field(default=500, description="Columns of a sheet.")
    max_sheets: Count = Field(default=60, description="Sheets of a workbook.")
    max_unpacked: Count = Field(default=2 * 1024**3, description="Bytes of what a file unpacks to.")
    max_cells: Count = Field(default=30_000_000, description="Cells of a sheet, from A1 to the last written one.")
    max_cell: Count = Field(default=1024**2, description="Bytes of a cell's text.")
    max_memory: int = Field(default=4 * 1024**3, ge=256 * 1024**2, description="Bytes of memory that reading a file may take.")
    max_seconds: Count = Field(default=45, description="Seconds that reading a file may last; a MiB of it gives one more.")


class DeskSettings(Section):
    """The desk (`serve`), a web page for bureau staff. It leaves this machine over TLS alone: by a certificate here, or behind
    a proxy that has one."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8443, ge=0, le=65535, description="Port to listen on.")
    certificate: AbsolutePath | None = Field(default=None, description="Certificate (PEM, with its chain).")
    private_key: AbsolutePath | None = Field(default=None, description="The certificate's private key (PEM).")
    behind_proxy: bool = Field(default=False, description="`true`: a proxy on this machine or network speaks TLS with the "
                               "browsers, and its `X-Forwarded-For` and `X-Forwarded-Proto` are believed.")
    idle_minutes: Count = Field(default=30, description="Minutes without a click after which a session ends.")
    session_hours: Count = Field(default=10, description="Hours after which a session ends in any case.")
    threads: Count = Field(default=16, description="Requests that are answered at once.")


class LogSettings(Section):
    """The log: JSON lines, plain text on a terminal. ID numbers, phones and secrets are struck out."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="The least level that is written.")
    file: AbsolutePath | None = Field(default=None, description="File to append to; not given: standard error.")


class CryptoSettings(Section):
    """How identity numbers, phones and payee accounts are sealed. A change takes effect with `keys rotate`."""

    cipher: CipherName = Field(default="aes-256-gcm", description="`aes-256-gcm`, or `sm4-gcm` where audits ask for 商用密码 "
                               "(several times slower).")


class RetentionSettings(Section):
    """How long what is kept where the law says so; `retention run` deletes what is older."""

    log_months: int = Field(default=6, ge=6, description="Months that logs and run records are kept (网络安全法: at least 6).")
    identity_years: int = Field(default=3, ge=3, description="Years that an account's identity data are kept after the account "
                                "was last reported (网络交易监督管理办法 art. 31: at least 3).")
    file_years: int = Field(default=3, ge=3, description="Years that received files are kept, sealed, in `archive/` "
                            "(直播电商监督管理办法 arts. 27, 28, 45: verification records at least 3).")
    refused_months: int = Field(default=12, ge=1, description="Months that refused files are kept, sealed, in `refused/` "
                                "(个人信息保护法 arts. 6, 19: no longer than needed).")
    backup_months: int = Field(default=6, ge=1, description="Months that the backups made before upgrades are kept in "
                               "`backups/`: nobody goes back behind an upgrade after that, and what was deleted must not live "
                               "on in copies (个人信息保护法 arts. 19, 47). Daily backups go by `jobs.backups_kept`.")


Place = Annotated[str, AfterValidator(_place)]


class AlertSettings(Section):
    """Who is told when a person should know something. Without addresses alarms stand in the log and on the health page alone.
    No text holds a name, a number or a file's name."""

    urls: Annotated[tuple[Place, ...], BeforeValidator(_words)] = Field(
        default=(), description="Where apprise addresses stand (企业微信 `wecombot://…`, 钉钉 `dingtalk://…`, "
        "飞书 `feishu://…`, e-mail `mailtos://…`): each `env:VARIABLE` or `file:/path`, since they hold tokens.")
    nights: Count = Field(default=3, description="Nights in a row after which a platform's passing failures are an alarm.")
    least_free_mib: Count = Field(default=1024, description="MiB free on the home's disk below which there is an alarm.")


class FreshnessSettings(Section):
    """How old each platform's newest report may become. Platforms are those that have reported or whose interface is set up."""

    days: Count = Field(default=40, description="Days, where nothing else is said.")
    platforms: dict[str, int] = Field(
        default_factory=dict,
        description="Days for single platforms, such as `{kuaishou = 10}`; those named are expected to report.")


class JobSettings(Section):
    """The jobs that run by themselves (`jobs`)."""

    backup_folder: AbsolutePath | None = Field(
        default=None, description="Where the daily backups go, best on another disk; not given: `backups/` in the home folder.")
    backups_kept: Count = Field(default=14, description="Daily backups that are kept.")


class Settings(Section):
    """All settings."""

    home: AbsolutePath = Field(default=Path("var"), validate_default=True,
                               description="The folder that holds everything that changes; the option `--home` beats it.")
    database_url: str = Field(
        default_factory=lambda data: f"sqlite:///{data.get('home', Path('var')) / 'db' / 'registry.sqlite'}", repr=False,
        description="`sqlite:///…` or `postgresql+psycopg://…`; not given: `db/registry.sqlite` in the home folder.")
    mappings_dir: AbsolutePath | None = Field(
        default=None, description="Folder with the operator's own mappings, which beat the packaged ones.")
    county: CountySettings = CountySettings()
    towns: dict[str, TownSettings] = Field(default_factory=dict)
    quarantine: QuarantineSettings = QuarantineSettings()
    pledges: PledgeSettings = PledgeSettings()
    bulletin: BulletinSettings = BulletinSettings()
    extracts: dict[str, ExtractSettings] = Field(default_factory=dict)
    flags: FlagSettings = FlagSettings()
    resolve: ResolveSettings = ResolveSettings()
    api: dict[str, ApiSettings] = Field(default_factory=dict)
    limits: LimitSettings = LimitSettings()
    crypto: CryptoSettings = CryptoSettings()
    retention: RetentionSettings = RetentionSettings()
    desk: DeskSettings = DeskSettings()
    logs: LogSettings = LogSettings()
    alerts: AlertSettings = AlertSettings()
    freshness: FreshnessSettings = FreshnessSettings()
    jobs: JobSettings = JobSettings()


# Relative paths in the file start at the file's folder, so that a cron job's working folder does not matter.
_PATHS = (("home",), ("mappings_dir",), ("logs", "file"), ("desk", "certificate"), ("desk", "private_key"),
          ("api", "*", "token_file"), ("jobs", "backup_folder"))


def load_settings(home: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this run; ``home`` is the option ``--home``. UsageError names each wrong key, its place and the nearest
    known key, and never a value."""
    environ = os.environ if environ is None else environ
    file = _file(environ)
    origins: dict[tuple[str, ...], str] = {}
    data: dict[str, Any] = {}
    if file is not None:
        data = _read(file, origins)
        for path in _PATHS:
            settings_origin.anchor(data, path, file.absolute().parent)
    faults = settings_origin.add_variables(data, environ, Settings, origins)
    if home is not None:
        data["home"] = str(home)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        faults += settings_origin.explain(error, Settings, origins)
    if faults:
        raise UsageError("wrong settings:\n  " + "\n  ".join(faults))
    return settings


def _file(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get(CONFIG_VARIABLE):
        if not Path(named).is_file():
            raise UsageError(f"there is no file {named}, which {CONFIG_VARIABLE} names")
        return Path(named)
    return Path(CONFIG_FILE) if Path(CONFIG_FILE).is_file() else None


def _read(file: Path, origins: dict[tuple[str, ...], str]) -> dict[str, Any]:
    try:
        text = file.read_text("utf-8-sig")
        data = tomllib.loads(text)
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not in UTF-8: save it so") from None
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, and nesting without end
        raise UsageError(f"{file} is not valid TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    origins.update({path: f"{file} line {line}" for path, line in settings_origin.key_lines(text).items()})
    return data


def settings_reference() -> str:
    """docs/settings.md: every setting with its variable, its value if not given, and what it does."""
    lines = [
        "# Settings", "",
        "Made by `make docs` from `zp_registry/settings.py`: do not edit here.", "",
        f"Settings stand in `{CONFIG_FILE}` in the working folder, or in the file that the variable `{CONFIG_VARIABLE}` names. "
        "A variable beats the file. An empty variable counts as not given. Lists in variables have commas between their words. "
        "Relative paths in the file start at the file's folder. An unknown key is an error.", "",
        "## At the top of the file", "",
    ]
    plain = [name for name, field in Settings.model_fields.items() if section_of(field.annotation)[0] is None]
    lines += _table(Settings, "", plain)
    for name, field in Settings.model_fields.items():
        section, many = section_of(field.annotation)
        if section is not None:
            lines += _section(section, f'{name}."NAME"' if many else name, f"{name.upper()}__{'NAME__' if many else ''}")
    lines += [
        "", "## Secrets: variables only", "",
        "| variable | what it is |", "|---|---|",
        "| `ZP_MASTER_KEY` | The master key, 32 bytes in base64; not given: the command, then the home's `keys/master.key`. |",
        "| `ZP_MASTER_KEY_COMMAND` | A command that prints the master key; it is run without a shell. |",
    ]
    return "\n".join(lines) + "\n"


def _section(section: type[BaseModel], title: str, prefix: str) -> list[str]:
    """A section with those within it."""
    within = {n: s for n, f in section.model_fields.items() if (s := section_of(f.annotation)[0]) is not None}
    lines = []
    if plain := [n for n in section.model_fields if n not in within]:
        lines = ["", f"## [{title}]", "", " ".join((section.__doc__ or "").split()), "", *_table(section, prefix, plain)]
    for name, inner in within.items():
        lines += _section(inner, f"{title}.{name}", f"{prefix}{name.upper()}__")
    return lines


def _table(section: type[BaseModel], prefix: str, names: list[str]) -> list[str]:
    lines = ["| setting | variable | if not given | what it does |", "|---|---|---|---|"]
    for name in names:
        field = section.model_fields[name]
        made = "nothing" if field.default_factory is dict else "derived" if field.default_factory else _shown(field.default)
        value = "must be given" if field.is_required() else made
        lines.append(f"| `{name}` | `ZP_{prefix}{name.upper()}` | {value} | {field.description} |")
    return lines


def _shown(value: object) -> str:
    if value in (None, (), ""):
        return "nothing"
    if isinstance(value, tuple):
        return f"`{', '.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
