"""The desk's pages as pictures, to be looked at: ``python tests/desk/pictures.py OUT [--home HOME] [--manual docs/pictures]``.

The registry is that of ``zp-registry demo`` over the samples (made in OUT/home, or HOME). Every page is taken wide and narrow;
with ``--manual`` those that the manual shows are put there.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from deskworld import PASSWORD, serving

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from zp_registry.cli import main; main()"]
WIDE, NARROW, TALLEST = 1100, 390, 1500
MANUAL = ("overview", "look", "dossier", "upload", "check", "layout", "reject", "followup", "pair", "case", "users", "trail")
ON_A_PHONE = ("overview", "followup", "case")  # side by side in one picture


def main() -> None:
    """Makes the registry, signs in, and takes every page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("out", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--manual", type=Path)
    given = parser.parse_args()
    out = given.out.resolve()
    home = given.home or out / "home"
    out.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "ZP_CONFIG": str(ROOT / "sample_data" / "zp-registry.toml")}
    if not home.exists():
        subprocess.run([*PROGRAM, "demo", "--home", str(home)], env=env, cwd=ROOT, check=False, capture_output=True)
    staff = (("guanli", "admin", []), ("wangfang", "clerk", ["--town", "石佛寺镇"]), ("liqiang", "investigator", []))
    for name, role, towns in staff:
        add = [*PROGRAM, "desk", "user", "add", name, "--role", role, *towns, "--password", "-", "--home", str(home)]
        subprocess.run(add, input=PASSWORD.encode(), env=env, check=False, capture_output=True)
    program = next(p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n)))
    with serving(home, out, None, ZP_CONFIG=env["ZP_CONFIG"]) as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for width in (WIDE, NARROW):
            page = browser.new_context(locale="zh-CN", viewport={"width": width, "height": 800}).new_page()
            page.set_default_timeout(120_000)
            _taken(page, site.base, out, "wide" if width == WIDE else "narrow")
        browser.close()
    if given.manual:
        _for_the_manual(out, given.manual)


def _for_the_manual(out: Path, folder: Path) -> None:
    from PIL import Image

    for name in MANUAL:
        shutil.copy(out / f"wide-{name}.png", folder / f"desk-{name}.png")
    phones = [Image.open(out / f"narrow-{name}.png").convert("RGB") for name in ON_A_PHONE]
    both = Image.new("RGB", (len(phones) * (NARROW + 12) - 12, 1100), "#9aa5a0")
    for n, phone in enumerate(phones):
        both.paste(phone.crop((0, 0, NARROW, 1100)), (n * (NARROW + 12), 0))
    both.quantize(48, dither=Image.Dither.NONE).save(folder / "desk-narrow.png", optimize=True)


def _taken(page: Any, base: str, out: Path, kind: str) -> None:
    def keep(name: str) -> None:
        _small(page.screenshot(full_page=True), out / f"{kind}-{name}.png")

    def go(path: str) -> str:
        page.goto(base + path)
        return str(page.content())

    def first(path: str, pattern: str) -> str:
        found = re.search(pattern, go(path))
        assert found, (path, pattern)
        return found[0]

    go("/sign-in")
    keep("sign-in")
    page.fill("input[name=name]", "guanli")
    page.fill("input[name=password]", PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="登录").click()
    keep("overview")
    flag, dossier = first("/followups", r"/followups/F\d+"), first("/cases", r"/entity/E\d+")
    for name, path in (
        ("look", "/look?q=玉器"), ("followups", "/followups"), ("followup", flag),
        ("rejects", "/rejects"), ("reject", first("/rejects", r"/rejects/[\w-]{12,}")), ("review", "/review"),
        ("pair", first("/review", r"/review/E\d+-E\d+")), ("cases", "/cases"), ("case", first("/cases", r"/cases/C\d+")),
        ("dossier", dossier), ("account", first(dossier, r'/account/[a-z_]+/[^"?#]+')),
        ("users", "/users"), ("user", "/users/wangfang"), ("trail", "/trail"), ("password", "/password"),
    ):  # fmt: skip
        go(path)
        keep(name)
    go("/upload")
    keep("upload")
    folder = out / "files"
    folder.mkdir(exist_ok=True)
    report = shutil.copy(next((ROOT / "sample_data" / "inbox").rglob("kuaishou_*.csv")), folder)
    rows = [["商户编码", "商户全称", "联络手机", "门店网址"], ["m1", "王小明", "13800000000", "https://m.test/1"]]
    unknown = folder / "某平台.csv"
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    unknown.write_text(text.getvalue(), "utf-8")
    page.set_input_files("input[type=file]", [str(report), str(unknown)])
    page.get_by_role("button", name="上传并识别").click()
    page.wait_for_url("**/upload/check**", timeout=90_000)
    keep("check")
    with page.expect_navigation():
        page.get_by_role("link", name="说明各列的意思").first.click()
    keep("layout")
    go("/work")
    keep("work")


def _small(data: bytes, path: Path) -> None:
    """Writes a picture with few colours, cut off where it gets long."""
    from PIL import Image

    image = Image.open(io.BytesIO(data)).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, TALLEST)))
    image.quantize(48, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
