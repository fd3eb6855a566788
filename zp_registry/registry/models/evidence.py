"""What was reported and turned back: files, reports, records, sightings, rejects, pledges."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id

_SEVERAL = "phone_hashes LIKE '%;%'"


class ReportFile(Base):
    """A file or pull that was read; ``state`` is loaded | refused. ``options`` is how it was asked for; ``content_sha256`` is a
    hash of what its tables say, by which a file that was merely saved again is known."""

    __tablename__ = "report_file"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    content_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
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
    """One version of a row: its normalised content. ``record_key`` is a keyed hash of the content. On PostgreSQL in partitions
    by ``id``, where one writer at a time keeps ``record_key`` unique, and ``doctor`` looks."""

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
    birth_year: Mapped[str | None] = mapped_column(String(4))
    legal_representative: Mapped[str | None] = mapped_column(Text)
    legal_key: Mapped[str | None] = mapped_column(Text)
    operator_name: Mapped[str | None] = mapped_column(Text)
    operator_key: Mapped[str | None] = mapped_column(Text)
    operator_hash: Mapped[str | None] = mapped_column(String(40))
    operator_mask: Mapped[str | None] = mapped_column(String(60))
    contact_name: Mapped[str | None] = mapped_column(Text)
    phone_hash: Mapped[str | None] = mapped_column(String(40), index=True)
    phone_hashes: Mapped[str | None] = mapped_column(Text)
    phone_mask: Mapped[str | None] = mapped_column(String(60))
    business_address: Mapped[str | None] = mapped_column(Text)
    address_key: Mapped[str | None] = mapped_column(Text, index=True)
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
    payee_hash: Mapped[str | None] = mapped_column(String(40), index=True)
    payee_mask: Mapped[str | None] = mapped_column(String(60))
    payee_bank: Mapped[str | None] = mapped_column(Text)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    live: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    __table_args__ = (
        Index("ix_record_platform_account_ref", "platform", "account_ref"),
        # Cells with several phones, whose others than the first are found no other way.
        Index("ix_record_more_phones", "phone_hashes", sqlite_where=text(_SEVERAL), postgresql_where=text(_SEVERAL)),
    )


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
    """That a report shows a record, and where: the evidence behind every value. On PostgreSQL in partitions by
    ``report_id``."""

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
    """One ledger row (诚信经营承诺书台账); a later row with the same pledge number supersedes it. ``stood``: the moments at
    which it came to count and ceased to, by turns, blanks between."""

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
    stood: Mapped[str] = mapped_column(Text, default="", server_default="")
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
