"""The desk as a WSGI application."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import IO, Any

import structlog
from flask import Flask, Request, g, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from zp_registry import __version__
from zp_registry.desk import access, cases, followups, look, overview, rejects, review, trail, upload, users, words, work
from zp_registry.desk.state import Desk, Explained
from zp_registry.errors import LockHeld, ZpError
from zp_registry.jobs.cases import STATE_NAMES
from zp_registry.jobs.deskwork import Worker
from zp_registry.jobs.lists import platform_titles
from zp_registry.jobs.office import Office
from zp_registry.registry import tasks

log = structlog.get_logger(__name__)
MODULES = (access, overview, look, upload, rejects, followups, review, cases, work, users, trail)
_SAID = {
    400: "请求已失效或者不完整。请返回上一页，刷新后再试", 401: "登录已结束，请重新登录", 403: "您没有办理此事的权限",
    404: "没有这一页，或者不在您可以查看的范围内", 405: "不能这样打开此页", 413: "文件过大", 429: "过于频繁，请稍后再试",
    503: "登记库正忙，请稍后再试",
}  # fmt: skip
_FORM_FIELDS = 2 * 1024 * 1024


def create_app(office: Office, worker: Worker) -> Flask:
    """The application over an open office; whoever calls starts and stops the worker."""
    spool = office.home.root / "desk" / "spool"
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)

    class Spooled(Request):
        """Files go to the home folder at once: in the machine's folder for temporary files they would lie in clear."""

        def _get_file_stream(self, total_content_length: int | None, content_type: str | None, filename: str | None = None,
                             content_length: int | None = None) -> IO[bytes]:  # fmt: skip
            return tempfile.NamedTemporaryFile(dir=spool, prefix="up-")

    for left in spool.iterdir():
        left.unlink(missing_ok=True)
    app = Flask(__name__)
    app.request_class = Spooled
    app.config.update(MAX_CONTENT_LENGTH=4 * office.settings.limits.max_bytes, MAX_FORM_MEMORY_SIZE=_FORM_FIELDS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["zp_desk"] = Desk(office, worker, platform_titles(office), Explained(office))
    if office.settings.desk.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.before_request(access.guard)
    app.after_request(access.headers)
    for module in MODULES:
        app.register_blueprint(module.page)
    app.jinja_env.filters.update(words.FILTERS)
    app.context_processor(lambda: _shared(app))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _error)
    return app


def _shared(app: Flask) -> dict[str, Any]:
    """What every template knows: the person, the menu, the form's token, and what came of the work just done."""
    desk: Desk = app.extensions["zp_desk"]
    person, done = g.get("person"), None
    if person is not None and (token := request.args.get("done", "")) and re.fullmatch(r"[\w-]{10,40}", token):
        with desk.office.engine.connect() as connection:
            found = tasks.one(connection, token)
        done = found if found and found["who"] == person.name else None
    return {
        "person": person, "csrf": access.forgery_token, "version": __version__, "done": done,
        "county": desk.office.settings.county.name, "menu": words.MENU, "here": request.blueprint, "titles": desk.titles,
        "case_states": STATE_NAMES,
    }  # fmt: skip


def _http_error(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    code = error.code or 500
    return render_template("error.html", code=code, said=_SAID.get(code, "出错了")), code


def _error(error: Exception) -> Any:
    if isinstance(error, LockHeld) or "database is locked" in str(error):
        return render_template("error.html", code=503, said=_SAID[503]), 503
    log.exception("page failed", page=request.endpoint)
    said = "程序出错，请告诉运维人员（日志中有记录）" if not isinstance(error, ZpError) else "没有做成：与现在的登记情况不符"
    return render_template("error.html", code=500, said=said), 500


def spool_folder(office: Office) -> Path:
    """Where uploads arrive."""
    return office.home.root / "desk" / "spool"
