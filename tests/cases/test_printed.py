"""The documents as a printer gets them: nothing cut off, one notice a page, Chinese in a Chinese font."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from worlds import World, person, row
from zp_registry.jobs import bulletin as bulletins
from zp_registry.jobs import cases, lists

from zp_registry.lists.casedocs import case_docx

JAN, FEB = "2026-01-31", "2026-02-28"


def _pages(soffice: str, pdftotext: str, path: Path, folder: Path) -> list[str]:
    """The text of each page; fails when a character has no font of its own."""
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [soffice, profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    pdf = folder / f"{path.stem}.pdf"
    fonts = subprocess.run([pdftotext.replace("pdftotext", "pdffonts"), str(pdf)], check=True, capture_output=True, text=True)
    assert re.search(r"CJK|SourceHan|WenQuanYi|SimSun", fonts.stdout), fonts.stdout
    done = subprocess.run([pdftotext, "-layout", str(pdf), "-"], check=True, capture_output=True, text=True)
    return [re.sub(r"\s+", "", p) for p in done.stdout.split("\f") if p.strip()]


@pytest.fixture
def pdftotext() -> str:
    """From poppler-utils."""
    found = shutil.which("pdftotext")
    if found is None:
        pytest.skip("poppler-utils is not installed")
    return found


@pytest.mark.office
def test_documents_printed(county: World, tmp_path: Path, soffice: str, pdftotext: str) -> None:
    people = [person(n) for n in range(1, 5)]
    county.weipaitang(JAN, [row(f"w{n}", p) for n, p in enumerate(people)])
    county.weipaitang(FEB, [row("w0", person(9)), *(row(f"w{n}", p) for n, p in enumerate(people) if n)])
    county.night()
    (letters,) = lists.write_pledge_notices(county.office, output=tmp_path)
    pages = _pages(soffice, pdftotext, letters, tmp_path)
    assert len(pages) == 4, "one page a merchant"
    for page in pages:
        assert sum(p.name in page for p in (*people, person(9))) == 1
        assert "签收人" in page
        assert "送达方式" in page
    (case,) = cases.list_cases(county.office)["cases"]
    told = cases.one_case(county.office, case["case_id"])
    document = tmp_path / "case.docx"
    document.write_bytes(case_docx(told, "镇平县"))
    text = "".join(_pages(soffice, pdftotext, document, tmp_path))
    for month in told["timeline"]:
        assert all(part in text for part in re.split("[（）]", month["holder"])), "long cells are folded, never cut"
    assert told["flags"][0]["flag_id"] in text
    done = bulletins.write(county.office, "2026-02", tmp_path)
    pages = _pages(soffice, pdftotext, Path(done["files"][0]), tmp_path)
    for sheet in done["sheets"]:
        assert any(sheet["title"] in page for page in pages), sheet["title"]
        assert all(any(re.sub(r"\s+", "", c)[:2] in page for page in pages) for c in sheet["columns"])
