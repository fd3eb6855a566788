"""zp-registry rehearse: platforms' interfaces on this machine."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import click

from zp_registry.cli.common import Answer, command
from zp_registry.errors import UsageError
from zp_registry.mapping import load_mappings
from zp_registry.rehearsal import Gateway, Script, packaged, report_records, serve


@click.command("rehearse")
@click.argument("reports", nargs=-1, required=True, metavar="PLATFORM=FILE…")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="New folder for the settings file and the secrets.",
)
@click.option("--faults", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Script of faults (YAML).")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
@click.option("--token-life", type=click.FloatRange(1), default=7200.0, help="Seconds that tokens live.")
@command
def rehearse(answer: Answer, reports: tuple[str, ...], output: Path, faults: Path | None, port: int, token_life: float) -> int:
    """Play the interfaces of platforms over the records of report files, until stopped (Ctrl-C).

    Every signature and token is checked. OUTPUT/zp-registry.toml is for the client: ZP_CONFIG=OUTPUT/zp-registry.toml
    zp-registry pull. Serve invented people only (python -m zp_registry.simulator makes some): all on this machine can ask.
    """
    known = packaged()
    mappings = load_mappings(*([answer.settings.mappings_dir] if answer.settings.mappings_dir else []))
    gateways: dict[str, Gateway] = {}
    for pair in reports:
        platform, _, file = pair.partition("=")
        if platform not in known or not file:
            raise UsageError(f"{pair}: give PLATFORM=FILE; platforms: {', '.join(sorted(known))}")
        if not Path(file).is_file():
            raise UsageError(f"there is no file {file}")
        script = Script.from_file(faults, platform) if faults else None
        gateways[platform] = Gateway(known[platform], report_records(Path(file), mappings, platform), script, life=token_life)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with serve(gateways, port=port) as rehearsal:
        settings = _write_settings(
            output, {name: (rehearsal.base(name), gateway.secrets) for name, gateway in gateways.items()}
        )
        answer.say(f"serving {', '.join(gateways)} at {rehearsal.address}; stop with Ctrl-C")
        answer.say(f"try: ZP_CONFIG={settings} zp-registry pull --check")
        stopped.wait()
    answer.give(
        {
            "requests": {name: len(g.arrivals) for name, g in gateways.items()},
            "refusals": {name: g.refusals for name, g in gateways.items()},
            "faults": {name: g.script.played for name, g in gateways.items()},
        }
    )
    return 0


def _write_settings(output: Path, platforms: dict[str, tuple[str, dict[str, str]]]) -> Path:
    """The settings for a client and a file (mode 0600) for each secret; the settings appear last, and whole."""
    output.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = []
    for name, (address, secrets) in platforms.items():
        lines += [f"[api.{name}]", f"base_url = {json.dumps(address)}", f"[api.{name}.secrets]"]
        for secret, value in secrets.items():
            file = output.absolute() / f"{name}.{secret}"
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as out:
                out.write(value + "\n")
            lines.append(f"{secret} = {json.dumps(f'file:{file}')}")
        lines.append("")
    target = output / "zp-registry.toml"
    unfinished = output / ".zp-registry.toml.new"
    unfinished.write_text("\n".join(lines), "utf-8")
    unfinished.replace(target)
    return target


COMMANDS = (rehearse,)
