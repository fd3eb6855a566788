"""Every flag code, with its family, level, title and legal ground. A flag is a lead for a person to check, never a finding.

The codes and their texts stand in ``rules.yaml``; nothing here says more.
"""

from __future__ import annotations

from dataclasses import dataclass

from zp_registry.flags.rulebook import Family, Level, packaged

__all__ = ["FLAG_CODES", "Family", "FlagCode", "Level"]


@dataclass(frozen=True)
class FlagCode:
    """One published code: ``level`` is the usual one (a rule may lower or lift it), ``event`` tells whether the flag stays open
    until a person decides (a change of holder) or resolves itself when the state ends (a shared phone)."""

    code: str
    family: Family
    level: Level
    event: bool
    title: str
    ground: str
    innocent: str = ""


FLAG_CODES: dict[str, FlagCode] = {
    code: FlagCode(code, r.family, r.level, r.event, r.title, r.ground, "、".join(r.innocent))
    for code, r in packaged().rules.items()
}
