"""转让线索: suspected transfers as cases."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from zp_registry.desk.access import needs

page = Blueprint("cases", __name__)


@page.get("/cases")
@needs("investigator")
def cases() -> Any:
    return render_template("cases.html", rows=[])


@page.get("/cases/<case_id>")
@needs("investigator")
def one(case_id: str) -> Any:
    return render_template("cases.html", rows=[])
