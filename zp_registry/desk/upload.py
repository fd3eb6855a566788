"""上传报表: files arrive, are understood and shown, and are loaded only when a person says so."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import unicodedata
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage

from zp_registry.desk.access import me, needs, noted
from zp_registry.desk.state import desk
from zp_registry.desk.words import FIELDS, KINDS
from zp_registry.desk.work import hand_in
from zp_registry.errors import FileRefused, UsageError
from zp_registry.frames import CANONICAL, PLEDGE_FIELDS
from zp_registry.jobs import deskuploads
from zp_registry.jobs.layouts import propose, save_draft
from zp_registry.registry import audit
from zp_registry.sources import without_unseen

page = Blueprint("upload", __name__)
MOST = 20  # files at once
_FORBIDDEN = re.compile(r"[/\\:*?\"<>|]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def file_name(given: str) -> str:
    """The name under which an upload is kept: the last part of what the browser says, nothing that leads elsewhere. Dates and
    platforms are read off it, so the rest stays as it is."""
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rsplit("/", 1)[-1]
    name = _FORBIDDEN.sub("_", without_unseen(last, "_")).strip(" .")
    while len(name.encode()) > 180:
        name = name[:60] + name[-40:] if len(name) > 100 else name[1:]
    return name or "未命名"


@page.get("/upload")
@needs("clerk")
def upload() -> Any:
    """Where files are put, and what was put here lately."""
    person = me()
    with desk().office.engine.connect() as connection:
        rows = deskuploads.uploads(connection, who=None if person.may("admin") and person.towns is None else person.name)
    return render_template("upload.html", kinds=KINDS, rows=rows[:30], most=MOST)


@page.post("/upload")
@needs("clerk")
def receive() -> Any:
    """Takes files in; reports and ledgers are shown before they are loaded, workbooks are read at once."""
    kind = request.form.get("kind", "report")
    files = [f for f in request.files.getlist("files") if f.filename]
    if kind not in KINDS or not files or len(files) > MOST:
        abort(400)
    tokens = [_keep(f, kind) for f in files]
    names = "、".join(file_name(f.filename or "") for f in files)
    if kind in ("report", "pledge"):
        return hand_in("understand", names, {"uploads": tokens}, url_for("upload.check", u=tokens))
    return hand_in("books", names, {"uploads": tokens}, url_for("upload.upload"))


def _keep(file: FileStorage, kind: str) -> str:
    """Moves what has been spooled to its own place, without reading it."""
    token, office = secrets.token_urlsafe(16), desk().office
    path = deskuploads.upload_folder(office, token) / file_name(file.filename or "")
    file.stream.flush()
    os.link(file.stream.name, path)
    path.chmod(0o600)
    file.close()
    with office.engine.begin() as connection, audit.acting_as(me().name):
        deskuploads.take_in(connection, token, me().name, path.name, kind, path)
    return token


def _mine(tokens: list[str]) -> list[dict[str, Any]]:
    """These uploads, if they are all of whoever asks."""
    with desk().office.engine.connect() as connection:
        rows = deskuploads.uploads(connection, tokens, me().name)
    if not rows or len(rows) != len(set(tokens)):
        abort(404)
    return rows


@page.get("/upload/check")
@needs("clerk")
def check() -> Any:
    """What was understood of each file."""
    rows = _mine(list(dict.fromkeys(request.args.getlist("u")))[:MOST])
    platforms = sorted({(m.platform_id, desk().titles.get(m.id, m.id)) for m in desk().office.mappings if m.kind == "report"})
    good = ("understood", "unchanged")
    ready = [r["token"] for r in rows if r["state"] == "understood" and r["understood"].get("state") in good]
    return render_template("check.html", rows=rows, platforms=platforms, ready=ready,
                           busy=any(r["state"] == "reading" for r in rows))  # fmt: skip


@page.post("/upload/again")
@needs("clerk")
def again() -> Any:
    """A person says what the file does not: what it is, platform, date, scope, or why it may pass its expectations."""
    tokens, token = request.form.getlist("u"), request.form.get("token", "")
    name = {r["token"]: r["name"] for r in _mine([*dict.fromkeys([*tokens, token])])}.get(token, "")
    said = {k: request.form.get(k, "").strip()[:300] for k in ("platform", "as_of", "scope", "accept", "kind")}
    if (said["as_of"] and not _DAY.fullmatch(said["as_of"])) or said["scope"] not in ("", "full", "delta"):
        abort(400)
    if said["kind"] not in ("", "report", "pledge"):
        abort(400)
    if said["accept"] and not me().may("investigator"):
        abort(403)
    return hand_in("understand", name, {"uploads": [token], **said}, url_for("upload.check", u=tokens))


@page.post("/upload/confirm")
@needs("clerk")
def confirm() -> Any:
    """Loads what was shown."""
    tokens = list(dict.fromkeys(request.form.getlist("u")))
    rows = _mine(tokens)
    if any(r["state"] != "understood" for r in rows):
        return redirect(url_for("upload.check", u=tokens))
    with desk().office.engine.begin() as connection:
        for token in tokens:
            deskuploads.set_upload(connection, token, "waiting")
    row = desk().hand_in("import", me().name, "、".join(r["name"] for r in rows), {"uploads": tokens})
    return redirect(url_for("work.one", token=row["token"]))


@page.post("/upload/drop")
@needs("clerk")
def drop() -> Any:
    """Throws an upload away that was not loaded, also while it is still being read."""
    row = _mine([request.form.get("token", "")])[0]
    if row["state"] in ("reading", "understood", "refused", "unknown"):
        with desk().office.engine.begin() as connection:
            deskuploads.set_upload(connection, row["token"], "dropped")
        shutil.rmtree(deskuploads.upload_folder(desk().office, row["token"]), ignore_errors=True)
        noted("drop upload", row["name"])
    rest = [t for t in request.form.getlist("u") if t != row["token"]]
    return redirect(url_for("upload.check", u=rest) if rest else url_for("upload.upload"))


@page.route("/upload/layout/<token>", methods=["GET", "POST"])
@needs("clerk")
def layout(token: str) -> Any:
    """The dialogue about a layout that is not known yet."""
    row = _mine([token])[0]
    path: Path | None = deskuploads.upload_path(desk().office, token)
    if path is None:
        abort(404)
    try:
        sheets = propose(desk().office, path, row["kind"])
    except FileRefused:
        abort(404)
    name = request.values.get("sheet") or next(iter(sheets), "")
    if name not in sheets:
        abort(404)
    columns, problem, saved = sheets[name], "", None
    chosen = {c.header: request.form.get(f"f{i}", c.proposed) for i, c in enumerate(columns)}
    known = PLEDGE_FIELDS if row["kind"] == "pledge" else (*CANONICAL, "streamer.name", "streamer.id_number", "streamer.phone")
    if request.method == "POST":
        if any(v and v not in known for v in chosen.values()):
            abort(400)
        try:
            saved = save_draft(
                desk().office, layout_id=request.form.get("id", "").strip(), title=request.form.get("title", "")[:60],
                kind=row["kind"], scope="delta" if request.form.get("scope") == "delta" else "full",
                names=request.form.get("names", "").replace("，", ",").split(","), fields=chosen,
            ).name  # fmt: skip
            noted("draft mapping", saved, row["name"])
        except UsageError as error:
            problem = re.sub(r"[a-z_]{4,}", lambda m: FIELDS.get(m[0], m[0]), str(error))
    return render_template("layout.html", row=row, sheets=list(sheets), sheet=name, columns=columns, chosen=chosen,
                           fields=[(f, FIELDS.get(f, f)) for f in known], problem=problem, saved=saved)  # fmt: skip
