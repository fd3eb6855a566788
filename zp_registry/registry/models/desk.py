"""What the desk keeps of itself: who may sign in, who is signed in, uploads, and work that goes on in the background."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id


class DeskUser(Base):
    """A person who may sign in: ``role`` clerk | investigator | admin; ``towns`` JSON list of full names, null: all;
    ``renew``: the password was given by somebody else and must be replaced first."""

    __tablename__ = "desk_user"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    towns: Mapped[str | None] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    disabled: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    renew: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[str] = mapped_column(String(32))
    password_at: Mapped[str] = mapped_column(String(32))


class DeskSession(Base):
    """Somebody signed in; the cookie's value stands here only as a hash."""

    __tablename__ = "desk_session"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), index=True)
    created_at: Mapped[str] = mapped_column(String(32))
    seen_at: Mapped[str] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(String(60))


class DeskSignIn(Base):
    """A try to sign in, for the throttle; old ones are deleted."""

    __tablename__ = "desk_sign_in"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[str] = mapped_column(String(32), index=True)
    name: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(60))
    good: Mapped[int] = mapped_column(Integer)


class DeskUpload(Base):
    """A file that was uploaded: ``understood`` is (JSON) what was shown before anything was loaded (masked), ``state`` is
    reading | understood | refused | unknown (no layout fits) | waiting | loaded | dropped."""

    __tablename__ = "desk_upload"
    token: Mapped[str] = mapped_column(String(40), primary_key=True)
    who: Mapped[str] = mapped_column(String(60), index=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(20))
    understood: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))


class Task(Base):
    """Work in the background: ``state`` is waiting | running | done | failed; ``given`` is its sealed JSON arguments, which may
    hold numbers; ``result`` (JSON) holds none."""

    __tablename__ = "task"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    who: Mapped[str] = mapped_column(String(60), index=True)
    subject: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    step: Mapped[str] = mapped_column(Text)
    done: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    total: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    given: Mapped[bytes | None] = mapped_column(LargeBinary)
    result: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))
    started_at: Mapped[str | None] = mapped_column(String(32))
    ended_at: Mapped[str | None] = mapped_column(String(32))
