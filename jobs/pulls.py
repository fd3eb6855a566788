"""Pulling the configured interfaces, side by side; one platform's failure never stops another."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import structlog

from zp_registry.crypto import Damaged, seal_bytes, unseal_chunks
from zp_registry.errors import FileRefused, KeyProblem, OptionNeeded, SourceFailed, UsageError
from zp_registry.mapping import Mapping, map_report
from zp_registry.quarantine.codes import CODES, message
from zp_registry.sources import ReadLimits
from zp_registry.sources.api.check import Finding, check
from zp_registry.sources.api.pace import Clock
from zp_registry.sources.api.pull import Pulled, finished, pull, replay
from zp_registry.sources.api.secrets import read_secrets
from zp_registry.sources.api.spec import ApiSpec
from zp_registry.sources.api.store import FiledPages, PagesBroken
from zp_registry.sources.tables import ReportFile

from .archive import sealed_path
from .imports import FAILED, Options, Outcome, import_report
from .office import Office
from .vaults import SealedFolder

log = structlog.get_logger(__name__)
_SIDE_BY_SIDE = 8  # each mostly waits for its platform


def configured(office: Office) -> list[str]:
    """Platforms whose interface is switched on in the settings."""
    return [p for p, api in office.settings.api.items() if api.enabled]


def pull_platforms(office: Office, platforms: Sequence[str] = (), as_of: str | None = None) -> list[Outcome]:
    """Pulls each platform as of ``as_of`` (default: what the records or the answers say, else the day of the pull).

    Each has a thread for its questions; reports are loaded one after the other, in the order of the platforms."""
    wanted = list(dict.fromkeys(platforms)) or configured(office)
    _known(office, wanted)
    stop = threading.Event()
    outcomes = []
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as threads:
        try:
            started = [(name, threads.submit(_fetch, office, name, as_of, bool(platforms), stop)) for name in wanted]
            for name, future in started:
                outcomes.append(_load(office, name, as_of, future))
        finally:
            stop.set()  # whatever ends this run ends the waits of the others
    for outcome in outcomes:
        outcome.pulled = True
    return outcomes


def _known(office: Office, wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in office.settings.api:
            raise UsageError(f"no interface is configured for {name}: add [api.{name}] to zp-registry.toml")


def _fetch(office: Office, platform: str, as_of: str | None, named: bool, stop: threading.Event) -> Pulled:
    """The platform's report; no database is touched here."""
    spec, mapping = described(office, platform)
    secrets = read_secrets(spec.secrets, office.settings.api[platform].places(), os.environ)
    return pull(
        spec,
        secrets,
        platform=platform,
        as_of=as_of,
        dated=_dated(mapping),
        vault=_vault(office, platform),
        named=named,
        clock=Clock(stop),
        limits=ReadLimits(**office.settings.limits.model_dump()),
    )


def _load(office: Office, platform: str, as_of: str | None, future: Future[Pulled]) -> Outcome:
    try:
        pulled = future.result()
        outcome = _import(office, platform, as_of, pulled)
        finished(_vault(office, platform))
        return outcome
    except OptionNeeded as error:
        return Outcome(f"{platform} API", "asked", platform, code="OPTION_NEEDED", message=str(error), kind="settings")
    except UsageError as error:
        text = f"{platform}：接口的设置不全，未拉取（{error}）"
        return Outcome(f"{platform} API", "refused", platform, code="PULL_FAILED", message=text, kind="settings")
    except SourceFailed as failed:
        log.error("pull failed", platform=platform, error=str(failed))
        text = f"{platform}：接口拉取失败（{failed}）"
        if kept := _pages_kept(office, platform):
            text += f"；已取得的 {kept} 页留存，下次接着拉取"
        return Outcome(f"{platform} API", "refused", platform, code="PULL_FAILED", message=text, kind=failed.kind or "server")
    except FileRefused as refused:
        text = message(refused.code, refused.detail) if refused.code in CODES else refused.detail
        return Outcome(f"{platform} API", "refused", platform, code=refused.code, message=f"{platform}：{text}", kind="report")
    except KeyProblem:
        raise
    except Exception as error:  # a fault of ours over one platform must not cost the others their night
        log.exception("pull failed", platform=platform)
        text = FAILED.format(name=f"{platform} API", kind=type(error).__name__)
        return Outcome(f"{platform} API", "failed", platform, code="FILE_FAILED", message=text, kind="ours")


def _import(office: Office, platform: str, as_of: str | None, pulled: Pulled) -> Outcome:
    """Archives the raw pages, then loads the report. What is not whole says nothing about the accounts that are missing."""
    scope = None if pulled.complete else "delta"
    # The report's own hash names its pages, so that a file in the registry leads to them.
    place = sealed_path(office.home.archive, pulled.file.sha256, f"{Path(pulled.file.name).stem}.pages")
    seal_bytes(pulled.pages, place, office.ring)
    try:
        outcome = import_report(office, pulled.file, Options(platform=platform, as_of=as_of, scope=scope))
    except FileRefused:
        finished(_vault(office, platform))  # these pages would be refused again: the next run asks anew
        raise
    outcome.warnings += [{"code": "PULL_REMARK", "sheet": "", "message": remark} for remark in pulled.remarks]
    return outcome


def replay_pages(office: Office, paths: Sequence[Path], as_of: str | None = None) -> Iterator[Outcome]:
    """Loads former pulls again from their archived pages, by the mappings as they are today."""
    for path in paths:
        try:
            data = b"".join(unseal_chunks(path, office.ring))
            platform = str(FiledPages(data).about.get("platform", ""))
            spec, _ = described(office, platform)
            pulled = replay(data, spec)
            scope = None if pulled.complete else "delta"
            outcome = import_report(office, pulled.file, Options(platform=platform, as_of=as_of, scope=scope))
            outcome.warnings += [{"code": "PULL_REMARK", "sheet": "", "message": remark} for remark in pulled.remarks]
            yield outcome
        except OptionNeeded as error:
            yield Outcome(path.name, "asked", code="OPTION_NEEDED", message=str(error))
        except (PagesBroken, Damaged, UsageError, OSError) as error:
            yield Outcome(
                path.name, "refused", code="FILE_BROKEN", message=f"{path.name}：不是可重放的拉取存档（{type(error).__name__}）"
            )
        except SourceFailed as error:
            yield Outcome(path.name, "refused", code="PULL_FAILED", message=f"{path.name}：{error}")
        except FileRefused as refused:
            text = message(refused.code, refused.detail) if refused.code in CODES else refused.detail
            yield Outcome(path.name, "refused", code=refused.code, message=f"{path.name}：{text}")


def check_platforms(office: Office, platforms: Sequence[str], as_of: str | None = None) -> dict[str, list[Finding]]:
    """Whether each interface would work, finding by finding; nothing is loaded. UsageError for an unknown platform."""
    wanted = list(dict.fromkeys(platforms)) or configured(office)
    _known(office, wanted)
    out = {}
    for name in wanted:
        try:
            spec, mapping = described(office, name)
        except UsageError as error:
            out[name] = [Finding("mapping", False, str(error))]
            continue

        def fits(file: ReportFile, mapping: Mapping = mapping) -> str:
            mapped = map_report(file, office.mappings, platform=mapping.id, as_of=as_of, scope=None, kind="report")
            day = mapped.as_of or "their own dates"
            return f"{len(mapped.frame)} records of the first page fit the layout {mapping.id}, as of {day}"

        out[name] = check(
            spec,
            lambda spec=spec, name=name: read_secrets(  # type: ignore[misc]
                spec.secrets, office.settings.api[name].places(), os.environ
            ),
            fits,
            platform=name,
            as_of=as_of,
            dated=_dated(mapping),
            vault=_vault(office, name),
        )
    return out


def described(office: Office, platform: str) -> tuple[ApiSpec, Mapping]:
    """The interface as mapping and settings describe it. UsageError if the mapping describes none."""
    if platform not in office.mappings.by_id:
        raise UsageError(f"there is no mapping {platform}")
    mapping = office.mappings[platform]
    if mapping.api is None:
        raise UsageError(f"the mapping of {platform} describes no interface (section api:)")
    api = office.settings.api.get(platform)
    base = api.base_url if api is not None else ""
    return (mapping.api.model_copy(update={"base_url": base}) if base else mapping.api), mapping


def _dated(mapping: Mapping) -> bool:
    """Whether every record has a report date of its own."""
    return all(any(c.field == "as_of" for c in mapping.columns_of(s)) for s in mapping.sheets if s.record != "ignore")


def _vault(office: Office, platform: str) -> SealedFolder:
    return SealedFolder(office.home.pulls / platform, office.ring)


def _pages_kept(office: Office, platform: str) -> int:
    return sum(name.startswith("page-") for name in _vault(office, platform).names())
