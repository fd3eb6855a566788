"""One platform of a rehearsal with the client that its packaged mapping describes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zp_registry.mapping import Mappings, load_mappings
from zp_registry.rehearsal import Fault, Gateway, Rehearsal, Script, packaged, serve
from zp_registry.settings import ApiSettings, Settings
from zp_registry.sources.api.pull import Pulled, pull
from zp_registry.sources.api.spec import ApiSpec
from zp_registry.sources.api.vault import MemoryVault, Vault
from zp_registry.sources.files import text_column

MAPPINGS: Mappings = load_mappings()
GATEWAYS = packaged()
PLATFORMS = sorted(GATEWAYS)
QUICK = {"limits": {"backoff": 0.01, "attempts": 6, "read_timeout": 0.5, "connect_timeout": 5}, "pace": {"per_second": 400}}

# One fault kind each; all of them pass.
FAULTS: dict[str, Fault] = {
    "429 with Retry-After": Fault(status=429, retry_after="0"),
    "429 with RateLimit headers": Fault(status=429, ratelimit=0),
    "500": Fault(status=500),
    "503": Fault(status=503),
    "504": Fault(status=504),
    "connection dropped": Fault(drop=True),
    "body cut off": Fault(truncate=True),
    "web page": Fault(html=True),
    "not JSON": Fault(garbage=True),
    "wrong charset": Fault(charset=True),
    "no answer in time": Fault(stall=1.0),
    "platform's own limit": Fault(limited=True),
    "platform busy": Fault(busy=True),
    "no list": Fault(shapeless=True),
    "former page again": Fault(repeat_page=True),
    "wrong total": Fault(wrong_total=3),
    "empty page": Fault(empty_page=True),
    "short page": Fault(short_page=True),
}


def people(n: int, prefix: str = "") -> list[dict[str, Any]]:
    """Records of invented shops."""
    return [{"id": f"{prefix}{i:07d}", "name": f"玉缘{i}\u2028号", "fans": i, "closed": None} for i in range(n)]


def lists(platform_id: str, n: int) -> dict[str, list[dict[str, Any]]]:
    """So many records, in the lists that the platform's interface has."""
    names = [one.sheet for one in interface(platform_id).lists] or [""]
    return {name: people(n // len(names), f"{k}-") for k, name in enumerate(names)}


def interface(platform_id: str) -> ApiSpec:
    """The packaged description of the interface."""
    found = MAPPINGS[platform_id].api
    assert found is not None
    return found


def changed(spec: ApiSpec, changes: Mapping[str, Any]) -> ApiSpec:
    """A description with other values, sections merged, validated anew."""
    data = spec.model_dump(by_alias=True, exclude_defaults=True)
    for key, value in changes.items():
        data[key] = {**data.get(key, {}), **value} if isinstance(value, dict) else value
    return ApiSpec.model_validate(data)


@dataclass
class Platform:
    """``gateway``: the platform's side; ``spec``: the client's; ``vault``: what the client keeps between runs."""

    name: str
    gateway: Gateway
    spec: ApiSpec
    vault: Vault = field(default_factory=MemoryVault)

    def pull(self, **options: Any) -> Pulled:
        """A pull with the right secrets."""
        secrets = options.pop("secrets", self.gateway.secrets)
        spec = changed(self.spec, options.pop("change", {}))
        return pull(spec, secrets, platform=self.name, vault=self.vault, **options)

    def ids(self) -> list[str]:
        """Ids of all records, in order."""
        return [r["id"] for rows in self.gateway.records.values() for r in rows]


def ids_of(pulled: Pulled) -> list[str]:
    """Ids of the records that arrived, in order."""
    out: list[str] = []
    for table in pulled.file.tables:
        assert table.header is not None
        out += text_column(table.columns[table.header.index("id")]).text.tolist()
    return out


@contextmanager
def platform(
    name: str,
    records: Any = 250,
    *,
    faults: Sequence[Fault] = (),
    rules: Sequence[Mapping[str, Any]] = (),
    change: Mapping[str, Any] | None = None,
    gateway: Mapping[str, Any] | None = None,
    **options: Any,
) -> Iterator[Platform]:
    """Plays ``name`` over so many invented records (or those given), quickly; ``change`` in the client's description."""
    rows = lists(name, records) if isinstance(records, int) else records
    playing = Gateway(gateway or GATEWAYS[name], rows, Script(faults, rules), **options)
    with serve({name: playing}) as rehearsal:
        spec = changed(changed(interface(name), {**QUICK, "base_url": rehearsal.base(name)}), change or {})
        spec = spec.model_copy(update={"errors": [r.model_copy(update={"seconds": 0.02}) for r in spec.errors]})
        yield Platform(name, playing, spec)


@contextmanager
def county(
    reports: dict[str, Any], names: list[str], faults: dict[str, Script] | None = None, **options: Any
) -> Iterator[tuple[Rehearsal, Callable[[Path], Settings]]]:
    """These platforms at work, and settings for a client's home."""
    gateways = {n: Gateway(GATEWAYS[n], reports[n], (faults or {}).get(n), **options) for n in names}
    with serve(gateways) as rehearsal:
        apis = {}
        for name, gateway in gateways.items():
            for secret, value in gateway.secrets.items():
                os.environ[f"REHEARSED_{name}_{secret}"] = value
            apis[name] = ApiSettings(
                base_url=rehearsal.base(name), secrets={s: f"env:REHEARSED_{name}_{s}" for s in gateway.secrets}
            )
        yield rehearsal, lambda home: Settings(home=home, api=apis)
