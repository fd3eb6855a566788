"""The registry's tables.

Two kinds. *Evidence* is what was reported and what people decided: files, reports, records (every version of a row),
sightings (which row of which report showed which version), rejects, pledges, edges made by people, decisions, follow-up
attempts, audit. *Knowledge* is computed from evidence and written as differences: accounts, entities, holdings, roles,
links, flags. Knowledge can be thrown away and made again; evidence cannot.

Dates are ISO text (``YYYY-MM-DD``) and moments ISO text in UTC: they sort as they should on both databases. Sensitive values
never stand in clear: ``*_hash`` is a keyed hash for matching, ``*_mask`` what may be shown, ``sealed`` an AES-GCM ciphertext
(JSON of the row's sensitive fields) whose associated data is the column and the record's key.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER primary key


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class DataKey(Base):
    """A data or matching key, wrapped by the master key."""

    __tablename__ = "data_key"
    key_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[str] = mapped_column(String(32))
    retired_at: Mapped[str | None] = mapped_column(String(32))


class Run(Base):
    """One command that wrote something; ``state`` is running | done | partial | failed | killed."""

    __tablename__ = "run"
    run_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    command: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[str] = mapped_column(String(32))
    ended_at: Mapped[str | None] = mapped_column(String(32))
    exit_code: Mapped[int | None] = mapped_column(Integer)
    pid: Mapped[int | None] = mapped_column(Integer)
    host: Mapped[str | None] = mapped_column(String(200))
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Audit(Base):
    """Who did what to whose data and why; rows are only ever added, each chained to the one before by hash."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[str] = mapped_column(String(32))
    who: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(String(64))
    row_hash: Mapped[str] = mapped_column(String(64))


class State(Base):
    """Small facts about the registry itself, such as the fingerprint of what was last resolved."""

    __tablename__ = "state"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class ReportFile(Base):
    """A file or pull that was read; ``state`` is loaded | refused. ``options`` is how it was asked for."""

    __tablename__ = "report_file"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    mapping: Mapped[str | None] = mapped_column(String(60))
    mapping_hash: Mapped[str | None] = mapped_column(String(64))
    options: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(20))
    received_at: Mapped[str] = mapped_column(String(32))
    run_id: Mapped[str | None] = mapped_column(String(40))
    rows_read: Mapped[int] = mapped_column(Integer, default=0)
    rows_loaded: Mapped[int] = mapped_column(Integer, default=0)
    rows_unchanged: Mapped[int] = mapped_column(Integer, default=0)
    rows_repeated: Mapped[int] = mapped_column(Integer, default=0)
    rows_rejected: Mapped[int] = mapped_column(Integer, default=0)
    rows_skipped: Mapped[int] = mapped_column(Integer, default=0)
    refusal: Mapped[str | None] = mapped_column(String(40))
    message: Mapped[str | None] = mapped_column(Text)
    warnings: Mapped[list[dict[str, str]] | None] = mapped_column(JSON)
    accepted_reason: Mapped[str | None] = mapped_column(Text)


class Report(Base):
    """What one file says for one (source, as_of, part); a later file for the same three supersedes it."""

    __tablename__ = "report"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("report_file.id"), index=True)
    source: Mapped[str] = mapped_column(String(60))
    as_of: Mapped[str] = mapped_column(String(10))
    part: Mapped[str] = mapped_column(String(60))
    scope: Mapped[str] = mapped_column(String(10))
    unreadable: Mapped[int] = mapped_column(Integer, default=0)
    superseded_by: Mapped[int | None] = mapped_column(Id)
    superseded_at: Mapped[str | None] = mapped_column(String(32))
    __table_args__ = (Index("ix_report_source_as_of_part", "source", "as_of", "part"),)


class Subject(Base):
    """One distinct way in which a holder was described. ``entity_id`` is the id that this subject brings along; ``current_id``
    the entity it now belongs to (that of the oldest subject of its cluster), so that a merge keeps the older id and an
    un-merge brings ids back. Ids are numbers of this table and are never used again."""

    __tablename__ = "subject"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    signature: Mapped[str] = mapped_column(String(40), unique=True)
    entity_id: Mapped[str | None] = mapped_column(String(20), index=True)
    current_id: Mapped[str | None] = mapped_column(String(20), index=True)
    created_at: Mapped[str] = mapped_column(String(32))
    __table_args__ = ({"sqlite_autoincrement": True},)


class Record(Base):
    """One version of a row: its normalised content. ``record_key`` is a keyed hash of the content."""

    __tablename__ = "record"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    record_key: Mapped[str] = mapped_column(String(40), unique=True)
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("subject.id"), index=True)
    source: Mapped[str] = mapped_column(String(60))
    record_kind: Mapped[str] = mapped_column(String(10))
    platform: Mapped[str | None] = mapped_column(String(60))
    account_ref: Mapped[str | None] = mapped_column(String(500))
    loose: Mapped[int] = mapped_column(Integer, default=0)
    account_handle: Mapped[str | None] = mapped_column(Text)
    account_name: Mapped[str | None] = mapped_column(Text)
    account_url: Mapped[str | None] = mapped_column(Text)
    account_kind: Mapped[str | None] = mapped_column(String(20))
    account_status: Mapped[str | None] = mapped_column(String(20))
    opened_on: Mapped[str | None] = mapped_column(String(10))
    closed_on: Mapped[str | None] = mapped_column(String(10))
    held_from: Mapped[str | None] = mapped_column(String(10))
    held_to: Mapped[str | None] = mapped_column(String(10))
    verified_on: Mapped[str | None] = mapped_column(String(10))
    info_status: Mapped[str | None] = mapped_column(String(20))
    followers: Mapped[str | None] = mapped_column(String(40))
    subject_kind: Mapped[str | None] = mapped_column(String(20))
    subject_name: Mapped[str | None] = mapped_column(Text)
    subject_key: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(String(18))
    id_type: Mapped[str | None] = mapped_column(String(60))
    id_hash: Mapped[str | None] = mapped_column(String(40))
    id_mask: Mapped[str | None] = mapped_column(String(60))
    legal_representative: Mapped[str | None] = mapped_column(Text)
    legal_key: Mapped[str | None] = mapped_column(Text)
    operator_name: Mapped[str | None] = mapped_column(Text)
    operator_key: Mapped[str | None] = mapped_column(Text)
    operator_hash: Mapped[str | None] = mapped_column(String(40))
    operator_mask: Mapped[str | None] = mapped_column(String(60))
    contact_name: Mapped[str | None] = mapped_column(Text)
    phone_hash: Mapped[str | None] = mapped_column(String(40))
    phone_hashes: Mapped[str | None] = mapped_column(Text)
    phone_mask: Mapped[str | None] = mapped_column(String(60))
    business_address: Mapped[str | None] = mapped_column(Text)
    address_key: Mapped[str | None] = mapped_column(Text)
    province: Mapped[str | None] = mapped_column(String(60))
    city: Mapped[str | None] = mapped_column(String(60))
    county: Mapped[str | None] = mapped_column(String(60))
    town: Mapped[str | None] = mapped_column(String(60))
    market: Mapped[str | None] = mapped_column(String(60))
    exempt_case: Mapped[str | None] = mapped_column(String(40))
    over_threshold: Mapped[str | None] = mapped_column(String(20))
    agency_name: Mapped[str | None] = mapped_column(Text)
    agency_key: Mapped[str | None] = mapped_column(Text)
    agency_uscc: Mapped[str | None] = mapped_column(String(40))
    payee_name: Mapped[str | None] = mapped_column(Text)
    payee_key: Mapped[str | None] = mapped_column(Text)
    payee_hash: Mapped[str | None] = mapped_column(String(40))
    payee_mask: Mapped[str | None] = mapped_column(String(60))
    payee_bank: Mapped[str | None] = mapped_column(Text)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    live: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    __table_args__ = (Index("ix_record_platform_account_ref", "platform", "account_ref"),)


class Touched(Base):
    """A record that came to stand in a live report, or ceased to, since the last resolve, and what it was then."""

    __tablename__ = "touched"
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), primary_key=True)
    was_live: Mapped[int] = mapped_column(Integer)


class RecordStreamer(Base):
    """A person on camera named by a record (list C records carry themselves as their only streamer)."""

    __tablename__ = "record_streamer"
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
    name_key: Mapped[str | None] = mapped_column(Text)
    id_hash: Mapped[str | None] = mapped_column(String(40))
    id_mask: Mapped[str | None] = mapped_column(String(60))
    phone_hash: Mapped[str | None] = mapped_column(String(40))
    phone_mask: Mapped[str | None] = mapped_column(String(60))
    relation: Mapped[str | None] = mapped_column(String(20))
    agency: Mapped[str | None] = mapped_column(Text)
    agency_key: Mapped[str | None] = mapped_column(Text)
    residence: Mapped[str | None] = mapped_column(Text)
    licence: Mapped[str | None] = mapped_column(Text)
    position: Mapped[str | None] = mapped_column(Text)


class Sighting(Base):
    """That a report shows a record, and where: the evidence behind every value."""

    __tablename__ = "sighting"
    report_id: Mapped[int] = mapped_column(ForeignKey("report.id"), primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), primary_key=True)
    sheet: Mapped[str] = mapped_column(String(120))
    row: Mapped[int] = mapped_column(Integer)
    __table_args__ = (Index("ix_sighting_record_id", "record_id"),)


class Reject(Base):
    """A row kept in quarantine, whole and sealed; ``status`` is open | corrected | superseded."""

    __tablename__ = "reject"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token: Mapped[str] = mapped_column(String(40), unique=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("report_file.id"), index=True)
    report_id: Mapped[int | None] = mapped_column(ForeignKey("report.id"), index=True)
    as_of: Mapped[str | None] = mapped_column(String(10))
    platform: Mapped[str | None] = mapped_column(String(60))
    account_ref: Mapped[str | None] = mapped_column(String(500))
    account_name: Mapped[str | None] = mapped_column(Text)
    sheet: Mapped[str] = mapped_column(String(120))
    row: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(20))
    closed_at: Mapped[str | None] = mapped_column(String(32))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Fault(Base):
    """One code of one row, of a rejected row (``reject_id``) or of a loaded one whose value was emptied."""

    __tablename__ = "fault"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("report_file.id"), index=True)
    reject_id: Mapped[int | None] = mapped_column(ForeignKey("reject.id"), index=True)
    sheet: Mapped[str] = mapped_column(String(120))
    row: Mapped[int] = mapped_column(Integer)
    field: Mapped[str] = mapped_column(String(60))
    header: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text)


class Pledge(Base):
    """One ledger row (诚信经营承诺书台账); a later row with the same pledge number supersedes it."""

    __tablename__ = "pledge"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    record_key: Mapped[str] = mapped_column(String(40), unique=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("report_file.id"), index=True)
    sheet: Mapped[str] = mapped_column(String(120))
    row: Mapped[int] = mapped_column(Integer)
    pledge_number: Mapped[str | None] = mapped_column(String(120))
    subject_name: Mapped[str | None] = mapped_column(Text)
    subject_key: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(String(18))
    id_hash: Mapped[str | None] = mapped_column(String(40))
    id_mask: Mapped[str | None] = mapped_column(String(60))
    signer: Mapped[str | None] = mapped_column(Text)
    signer_key: Mapped[str | None] = mapped_column(Text)
    phone_hash: Mapped[str | None] = mapped_column(String(40))
    phone_hashes: Mapped[str | None] = mapped_column(Text)
    phone_mask: Mapped[str | None] = mapped_column(String(60))
    town: Mapped[str | None] = mapped_column(String(60))
    template_version: Mapped[str | None] = mapped_column(String(60))
    signed_on: Mapped[str | None] = mapped_column(String(10))
    valid_until: Mapped[str | None] = mapped_column(String(10))
    method: Mapped[str | None] = mapped_column(String(40))
    scan_number: Mapped[str | None] = mapped_column(String(120))
    remark: Mapped[str | None] = mapped_column(Text)
    superseded_by: Mapped[int | None] = mapped_column(Id)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


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
    record_id: Mapped[int | None] = mapped_column(Id)


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
    value: Mapped[str] = mapped_column(String(60), primary_key=True)
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
    """That an entity held an account, in valid time (report dates, half-open) and in recorded time (moments, half-open)."""

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
    or body within the role (keyed hash of the number, else the name's comparison form)."""

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
    evidence: Mapped[str] = mapped_column(Text)


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
