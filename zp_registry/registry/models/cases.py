"""Casework: suspected transfers as cases, what people did about them, and what came from outside the reports."""

from __future__ import annotations

from sqlalchemy import Float, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id


class Notice(Base):
    """One line about an account or a subject that no platform reported: licence register, call result, platform risk mark,
    blacklist, tip. Of several lines about the same the newest date counts."""

    __tablename__ = "notice"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    record_key: Mapped[str] = mapped_column(String(40), unique=True)
    topic: Mapped[str] = mapped_column(String(20))
    about: Mapped[str] = mapped_column(String(40), index=True)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("report_file.id"), index=True)
    sheet: Mapped[str] = mapped_column(String(120))
    row: Mapped[int] = mapped_column(Integer)
    platform: Mapped[str | None] = mapped_column(String(60))
    account_id: Mapped[str | None] = mapped_column(String(500))
    subject_name: Mapped[str | None] = mapped_column(Text)
    subject_key: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(String(18))
    id_hash: Mapped[str | None] = mapped_column(String(40))
    id_mask: Mapped[str | None] = mapped_column(String(60))
    phone_hash: Mapped[str | None] = mapped_column(String(40))
    phone_mask: Mapped[str | None] = mapped_column(String(60))
    payee_hash: Mapped[str | None] = mapped_column(String(40))
    payee_mask: Mapped[str | None] = mapped_column(String(60))
    outcome: Mapped[str] = mapped_column(String(40))
    happened_on: Mapped[str] = mapped_column(String(10))
    remark: Mapped[str | None] = mapped_column(Text)
    noted_at: Mapped[str] = mapped_column(String(32), default="", server_default="")
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


class CaseFile(Base):
    """A case about one account; ``state`` is open | assigned | visited | confirmed | dismissed | handed_over |
    closed. ``version`` grows with every change, so that two people never overwrite each other unseen."""

    __tablename__ = "case_file"
    case_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    platform: Mapped[str] = mapped_column(String(60))
    account_id: Mapped[str] = mapped_column(String(500))
    entity_id: Mapped[str | None] = mapped_column(String(20), index=True)
    state: Mapped[str] = mapped_column(String(20), index=True)
    level: Mapped[str] = mapped_column(String(10))
    score: Mapped[float] = mapped_column(Float)
    codes: Mapped[str] = mapped_column(Text)
    opened_on: Mapped[str] = mapped_column(String(10))
    news_on: Mapped[str] = mapped_column(String(10))
    grace_until: Mapped[str] = mapped_column(String(10))
    deadline: Mapped[str] = mapped_column(String(10))
    provisional: Mapped[int] = mapped_column(Integer)
    assignee: Mapped[str | None] = mapped_column(String(200))
    group_id: Mapped[str | None] = mapped_column(String(20), index=True)
    closed_why: Mapped[str | None] = mapped_column(Text)
    worked: Mapped[int] = mapped_column(Integer)
    version: Mapped[int] = mapped_column(Integer)


class CaseEvent(Base):
    """Who did what to a case; rows are only ever added. ``reference``: where an attachment lies."""

    __tablename__ = "case_event"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(String(20), index=True)
    at: Mapped[str] = mapped_column(String(32))
    who: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(20))
    from_state: Mapped[str] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)


class ReviewedPair(Base):
    """That a person looked at a holder and another name (or holder) and found their tie innocent, until a date."""

    __tablename__ = "reviewed_pair"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    entity_id: Mapped[str] = mapped_column(String(20), index=True)
    other_entity_id: Mapped[str | None] = mapped_column(String(20))
    name: Mapped[str | None] = mapped_column(Text)
    name_key: Mapped[str | None] = mapped_column(Text)
    expires_on: Mapped[str] = mapped_column(String(10))
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))
    withdrawn_at: Mapped[str | None] = mapped_column(String(32))


class PledgeMatch(Base):
    """That a person said whose pledge a ledger row is; ``entity_id`` empty: nobody's here."""

    __tablename__ = "pledge_match"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    record_key: Mapped[str] = mapped_column(String(40), index=True)
    entity_id: Mapped[str | None] = mapped_column(String(20))
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))
    withdrawn_at: Mapped[str | None] = mapped_column(String(32))


class Reverification(Base):
    """That an account's holder went back to the platform for checking; ``closed_on``: when nothing was left to check."""

    __tablename__ = "reverification"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    platform: Mapped[str] = mapped_column(String(60))
    account_id: Mapped[str] = mapped_column(String(500))
    asked_on: Mapped[str] = mapped_column(String(10))
    deadline: Mapped[str] = mapped_column(String(10))
    problems: Mapped[str] = mapped_column(Text)
    closed_on: Mapped[str | None] = mapped_column(String(10))
    __table_args__ = (Index("ix_reverification_platform_account_id", "platform", "account_id"),)
