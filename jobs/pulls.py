"""Pulling the configured interfaces; one platform's failure never stops another."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence

import structlog

from zp_registry.crypto import seal_bytes
from zp_registry.errors import FileRefused, OptionNeeded, SourceFailed, UsageError
from zp_registry.quarantine.codes import CODES, message
from zp_registry.sources.apispec import ApiSpec
from zp_registry.sources.transport import pull, read_token

from .imports import Options, Outcome, import_report
from .office import Office

log = structlog.get_logger(__name__)


def configured(office: Office) -> list[str]:
    """Platforms whose interface is switched on in the settings."""
    return [p for p, api in office.settings.api.items() if api.enabled]


def pull_platforms(office: Office, platforms: Sequence[str] = (), as_of: str | None = None) -> list[Outcome]:
    """Pulls each platform as of ``as_of`` (default: what the records themselves say)."""
    wanted = list(platforms) or configured(office)
    for name in wanted:
        if name not in office.settings.api:
            raise UsageError(f"no interface is configured for {name}: add [api.{name}] to zp-registry.toml")
    return [dataclasses.replace(_pull_one(office, name, as_of), pulled=True) for name in wanted]


def _pull_one(office: Office, platform: str, as_of: str | None) -> Outcome:
    api = office.settings.api[platform]
    try:
        spec = _spec(office, platform)
        token = read_token(variable=api.token_env, file=api.token_file, environ=os.environ)
        pulled = pull(spec, token, platform=platform, as_of=as_of)
        # What is not whole says nothing about the accounts that are missing from it.
        scope = None if pulled.complete else "delta"
        _keep_pages(office, pulled.file.name, pulled.raw)
        outcome = import_report(office, pulled.file, Options(platform=platform, as_of=as_of, scope=scope))
        outcome.warnings += [{"code": "PULL_REMARK", "sheet": "", "message": remark} for remark in pulled.remarks]
        return outcome
    except UsageError as error:
        if isinstance(error, OptionNeeded):
            return Outcome(f"{platform} API", "asked", platform, code="OPTION_NEEDED", message=str(error))
        text = f"{platform}：接口的设置不全，未拉取（{error}）"
        return Outcome(f"{platform} API", "refused", platform, code="PULL_FAILED", message=text)
    except SourceFailed as failed:
        log.error("pull failed", platform=platform, error=str(failed))
        return Outcome(
            f"{platform} API", "refused", platform, code="PULL_FAILED", message=f"{platform}：接口拉取失败（{failed}）"
        )
    except FileRefused as refused:
        text = message(refused.code, refused.detail) if refused.code in CODES else refused.detail
        return Outcome(f"{platform} API", "refused", platform, code=refused.code, message=f"{platform}：{text}")


def _keep_pages(office: Office, name: str, raw: bytes) -> None:
    """The pull as it came, sealed like every report's file, so that it can be replayed."""
    seal_bytes(raw, office.home.archive / f"{hashlib.sha256(raw).hexdigest()[:16]}_{name}.sealed", office.ring)


def _spec(office: Office, platform: str) -> ApiSpec:
    described = office.mappings[platform].api
    if described is None:
        raise UsageError(f"the mapping of {platform} describes no interface (section api:)")
    spec = described if isinstance(described, ApiSpec) else ApiSpec.model_validate(described)
    base = office.settings.api[platform].base_url
    return spec.model_copy(update={"base_url": base}) if base else spec
