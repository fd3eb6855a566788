"""What is computed from evidence: edges, entities, accounts, holdings, roles, links, flags."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id


def _one_live(name: str, where: str) -> Index:
    return Index(name, "left_id", "right_id", unique=True, sqlite_where=text(where), postgresql_where=text(where))


class Edge(Base):
    """A judgement about two subjects: positive | negative | unsure; ``tier`` is exact | partial | model | person, ``rule`` the
    rule's name and ``score`` its match weight (log2 of the odds that the two are one). One live edge of a person and one of
    the machine at most stand between two subjects."""

    __tablename__ = "edge"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    left_id: Mapped[int] = mapped_column(ForeignKey("subject.id"), index=True)
    right_id: Mapped[int] = mapped_column(ForeignKey("subject.id"), index=True)
    judgement: Mapped[str] = mapped_column(String(10))
    score: Mapped[float | None] = mapped_column(Float)
    tier: Mapped[str] = mapped_column(String(10))
    rule: Mapped[str] = mapped_column(String(40), default="", server_default="")
    settings_hash: Mapped[str] = mapped_column(String(40))
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))
    deleted_at: Mapped[str | None] = mapped_column(String(32))
    __table_args__ = (
        _one_live("uq_edge_live_person", "tier = 'person' AND deleted_at IS NULL"),
        _one_live("uq_edge_live_machine", "tier <> 'person' AND deleted_at IS NULL"),
    )


class MatchModel(Base):
    """A trained model of the probabilistic tier: ``settings`` is its JSON, ``summary`` what training showed; one is in use."""

    __tablename__ = "match_model"
    version: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    settings_hash: Mapped[str] = mapped_column(String(40))
    settings: Mapped[str] = mapped_column(Text)
    summary: Mapped[dict[str, Any]] = mapped_column(JSON)
    trained_at: Mapped[str] = mapped_column(String(32))
    who: Mapped[str] = mapped_column(String(200))
    in_use: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class Account(Base):
    """A platform account with its present (or last) holder."""

    __tablename__ = "account"
    platform: Mapped[str] = mapped_column(String(60), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(500), primary_key=True)
    account_handle: Mapped[str | None] = mapped_column(Text)
    account_name: Mapped[str | None] = mapped_column(Text)
    account_url: Mapped[str | None] = mapped_column(Text)
    account_kind: Mapped[str | None] = mapped_column(String(20))
    account_status: Mapped[str | None] = mapped_column(String(20))
    entity_id: Mapped[str | None] = mapped_column(String(20), index=True)
    town: Mapped[str | None] = mapped_column(String(60))
    first_seen: Mapped[str] = mapped_column(String(10))
    last_seen: Mapped[str] = mapped_column(String(10))
    gone_on: Mapped[str | None] = mapped_column(String(10))
    unmatched: Mapped[int] = mapped_column(Integer, default=0)
    record_id: Mapped[int | None] = mapped_column(Id, index=True)


class Entity(Base):
    """One legal subject, with the values chosen to show and the record each came from."""

    __tablename__ = "entity"
    entity_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str | None] = mapped_column(Text)
    name_key: Mapped[str | None] = mapped_column(Text, index=True)
    uscc: Mapped[str | None] = mapped_column(String(18), index=True)
    id_hash: Mapped[str | None] = mapped_column(String(40), index=True)
    id_mask: Mapped[str | None] = mapped_column(String(60))
    phone_hash: Mapped[str | None] = mapped_column(String(40), index=True)
    phone_mask: Mapped[str | None] = mapped_column(String(60))
    contact_name: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    town: Mapped[str | None] = mapped_column(String(60))
    first_seen: Mapped[str | None] = mapped_column(String(10))
    last_seen: Mapped[str | None] = mapped_column(String(10))
    pledge_status: Mapped[str | None] = mapped_column(String(20))
    name_record: Mapped[int | None] = mapped_column(Id)
    number_record: Mapped[int | None] = mapped_column(Id)
    phone_record: Mapped[int | None] = mapped_column(Id)
    address_record: Mapped[int | None] = mapped_column(Id)
    contact_record: Mapped[int | None] = mapped_column(Id)
    town_record: Mapped[int | None] = mapped_column(Id)


class EntityIdentifier(Base):
    """A number that stands for an entity: ``kind`` is uscc | id | mask; ``value`` the code, keyed hash or mask."""

    __tablename__ = "entity_identifier"
    entity_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    value: Mapped[str] = mapped_column(String(60), primary_key=True, index=True)
    first_seen: Mapped[str | None] = mapped_column(String(10))
    last_seen: Mapped[str | None] = mapped_column(String(10))


class EntityName(Base):
    """A name that an entity bore, now or formerly."""

    __tablename__ = "entity_name"
    entity_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(500), primary_key=True)
    first_seen: Mapped[str | None] = mapped_column(String(10))
    last_seen: Mapped[str | None] = mapped_column(String(10))


class Holding(Base):
    """That an entity held an account, in valid time (report dates, half-open) and in recorded time (moments, half-open). On
    PostgreSQL in two partitions, of what is believed and of what once was."""

    __tablename__ = "holding"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    platform: Mapped[str] = mapped_column(String(60))
    account_id: Mapped[str] = mapped_column(String(500))
    entity_id: Mapped[str] = mapped_column(String(20), index=True)
    valid_from: Mapped[str] = mapped_column(String(10))
    valid_to: Mapped[str | None] = mapped_column(String(10))
    end_reason: Mapped[str | None] = mapped_column(String(20))
    evidence: Mapped[str] = mapped_column(Text)
    recorded_from: Mapped[str] = mapped_column(String(32))
    recorded_to: Mapped[str | None] = mapped_column(String(32))
    __table_args__ = (Index("ix_holding_platform_account_id", "platform", "account_id"),)


class Role(Base):
    """Who stood in a role on an account: operator | streamer | payee | agency | contact. ``party_key`` identifies the person
    or body within the role (keyed hash of the number, else the name's comparison form). Parted as holdings are."""

    __tablename__ = "role"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    platform: Mapped[str] = mapped_column(String(60))
    account_id: Mapped[str] = mapped_column(String(500))
    role: Mapped[str] = mapped_column(String(20))
    party_key: Mapped[str] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    mask: Mapped[str | None] = mapped_column(String(60))
    relation: Mapped[str | None] = mapped_column(String(20))
    valid_from: Mapped[str] = mapped_column(String(10))
    valid_to: Mapped[str | None] = mapped_column(String(10))
    recorded_from: Mapped[str] = mapped_column(String(32))
    recorded_to: Mapped[str | None] = mapped_column(String(32))
    __table_args__ = (Index("ix_role_platform_account_id", "platform", "account_id"),)


class Link(Base):
    """Two entities that are not one but belong together; ``kind`` operates: a person and the person's sole proprietorship."""

    __tablename__ = "link"
    entity_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    other_entity_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    why: Mapped[str] = mapped_column(Text)


class Flag(Base):
    """A lead for a person to check. ``anchor`` says what it is about, so that it keeps its id over the nights."""

    __tablename__ = "flag"
    flag_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    anchor: Mapped[str] = mapped_column(String(700), unique=True)
    family: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40))
    level: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(20))
    platform: Mapped[str | None] = mapped_column(String(60))
    account_id: Mapped[str | None] = mapped_column(String(500))
    entity_id: Mapped[str | None] = mapped_column(String(20), index=True)
    other_entity_id: Mapped[str | None] = mapped_column(String(20))
    first_seen: Mapped[str] = mapped_column(String(10))
    last_seen: Mapped[str] = mapped_column(String(10))
    score: Mapped[float] = mapped_column(Float)
    reason: Mapped[str] = mapped_column(Text)
    explained: Mapped[str | None] = mapped_column(Text)
    rule_version: Mapped[str | None] = mapped_column(String(40))
    evidence: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index("ix_flag_family_status_first_seen", "family", "status", "first_seen", "flag_id"),  # the follow-up list's order
        Index("ix_flag_platform_account_id", "platform", "account_id"),
    )
