"""What people did about it: decisions and follow-up."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id


class Decision(Base):
    """What a person decided about a flag: confirmed | dismissed | reopened; the newest one counts."""

    __tablename__ = "decision"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    flag_id: Mapped[str] = mapped_column(String(20), index=True)
    decision: Mapped[str] = mapped_column(String(20))
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[str] = mapped_column(String(32))
    seen_until: Mapped[str] = mapped_column(String(10))


class FollowupListing(Base):
    """That a flag stood on a follow-up list that was written: the list may come back, so the flag is not forgotten."""

    __tablename__ = "followup_listing"
    flag_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    entity_id: Mapped[str] = mapped_column(String(20))
    listed_at: Mapped[str] = mapped_column(String(32))


class FollowupAttempt(Base):
    """One attempt to get a pledge signed, as a clerk entered it."""

    __tablename__ = "followup_attempt"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    flag_id: Mapped[str] = mapped_column(String(20), index=True)
    entity_id: Mapped[str | None] = mapped_column(String(20))
    attempted_on: Mapped[str] = mapped_column(String(10))
    method: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("report_file.id"))
    sheet: Mapped[str] = mapped_column(String(120))
    row: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[str] = mapped_column(String(32))
    __table_args__ = (UniqueConstraint("flag_id", "attempted_on", "method", "outcome", "note"),)
