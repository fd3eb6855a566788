"""The log: JSON lines, or plain text where a person watches. One processor strikes out what must not be kept in logs.

Identity data belongs in the registry, sealed, and nowhere else. No caller is trusted to remember that: every event passes
:func:`redact` last, tracebacks hold no local variables, and records of the standard library's logging go the same way.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

STRUCK = "[struck out]"
# The hashes that we log ourselves hold long runs of digits by chance: a whole word of 32 and more hex digits stays.
_HASH = r"(?P<hash>(?<![0-9A-Za-z])(?=\d*[a-f])[0-9a-f]{32,128}(?![0-9A-Za-z]))"
_NUMBERS = re.compile("|".join((
    _HASH,
    r"(?<!\d)\d{12,}[Xx]?",                                    # citizen number of 18 or 15, payee account, taxpayer number
    r"(?<!\d)\d{6}[ -]\d{8}[ -]\d{3}[\dXx]",                 # citizen number in groups
    r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)",  # mobile phone
    r"(?<!\d)\d{4}(?: \d{4}){2,}(?: \d{1,3})?(?!\d)",        # payee account in groups, as on a card
)))
_FULL_WIDTH = str.maketrans("０１２３４５６７８９Ｘｘ", "0123456789Xx")
_SECRET_KEY = re.compile(
    r"id_?(number|no|card)|phone|mobile|payee_account|bank_?(account|card)|token|secret|password|passwd|master_?key|authorization"
    r"|cookie|证件号|身份证|电话|手机|账号$|密码", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]+):[^\s/@]+(?=@)")
_URL_SECRET = re.compile(r"([?&](?:access_token|token|secret|sign|refresh_token|code|key)=)[^&\s'\"]+", re.IGNORECASE)


def redact_text(text: str) -> str:
    """``text`` with every ID number, phone, payee account and secret in an address struck out."""
    plain = text.translate(_FULL_WIDTH)
    plain = _URL_SECRET.sub(rf"\1{STRUCK}", _URL_PASSWORD.sub(rf"\1:{STRUCK}", plain))
    return _NUMBERS.sub(lambda found: found["hash"] or STRUCK, plain)


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """structlog's processor: the whole event with sensitive values struck out, at any depth, in keys and values."""
    return {key: value if key in _OURS else _clean(value, key) for key, value in event.items()}


_OURS = ("timestamp", "level", "run_id")  # made by us, and long digits in them are no numbers of people


def _clean(value: Any, key: str = "") -> Any:
    if _SECRET_KEY.search(key) and value is not None and not isinstance(value, (bool, float)):
        return STRUCK
    if isinstance(value, Mapping):
        return {redact_text(str(k)): _clean(v, str(k)) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(v) for v in value]
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        text = str(value)
        return value if redact_text(text) == text else STRUCK
    return redact_text(str(value))


def _exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """``exc_info`` as text: files, lines, source and messages, never local variables."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format()).rstrip()
    return event


def set_up_logs(level: str = "info", file: Path | None = None, stream: TextIO | None = None) -> None:
    """Sends structlog's and the standard library's logs to ``file`` (appended, mode 0600) or to ``stream`` (standard error).

    JSON lines (``timestamp`` in UTC, ``level``, ``event`` and the caller's keys); on a terminal plain text in colours.
    """
    out = stream or sys.stderr
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(out)
    else:
        os.close(os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        handler = WatchedFileHandler(file, encoding="utf-8", delay=True)  # opens it anew when it was rotated away
    for_people = file is None and out.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(), structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception, redact,
    ]
    last: Processor = (structlog.dev.ConsoleRenderer(sort_keys=False) if for_people
                       else structlog.processors.JSONRenderer(ensure_ascii=False, default=str))
    # A standard record is turned into an event by the formatter and passes the same processors.
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    for chatty in ("urllib3", "sqlalchemy", "alembic"):  # their debug and info lines hold addresses and parameters
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False)
