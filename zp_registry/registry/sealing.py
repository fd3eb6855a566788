"""From normalised rows to records: sensitive values become keyed hashes, masks and one ciphertext per record.

``record_key`` is a keyed hash of a row's normalised content without its place and date, so that the same content in another
month, file or order is the same record. ``signature`` is a keyed hash of how the holder is described: rows with the same
number and name describe one subject wherever they stand; rows without a number describe one only within one account.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.crypto import Keyring, mask_account_column, mask_id_column, mask_phone_column
from zp_registry.frames import STREAMER_FIELDS
from zp_registry.texts import joined, json_objects, map_parts, to_arrow

# Fields that may be read only with the key; they live in ``record.sealed``.
SENSITIVE = ("id_number", "operator_id_number", "contact_phone", "phones", "payee_account", "extra", "streamers")
CONTENT = (
    "record_kind",
    "platform",
    "account_id",
    "account_handle",
    "account_name",
    "account_url",
    "account_kind",
    "account_status",
    "opened_on",
    "closed_on",
    "followers",
    "held_from",
    "held_to",
    "subject_kind",
    "subject_name",
    "uscc",
    "id_type",
    "id_number",
    "id_mask",
    "legal_representative",
    "operator_name",
    "operator_id_number",
    "operator_id_mask",
    "contact_name",
    "contact_phone",
    "phones",
    "phone_mask",
    "business_address",
    "exempt_case",
    "over_threshold",
    "agency_name",
    "agency_uscc",
    "payee_name",
    "payee_account",
    "payee_account_mask",
    "payee_bank",
    "verified_on",
    "info_status",
    "extra",
    "streamers",
)
_COPIED = (
    "record_kind",
    "platform",
    "account_handle",
    "account_name",
    "account_url",
    "account_kind",
    "account_status",
    "opened_on",
    "closed_on",
    "held_from",
    "held_to",
    "verified_on",
    "info_status",
    "followers",
    "subject_kind",
    "subject_name",
    "subject_key",
    "uscc",
    "id_type",
    "legal_representative",
    "legal_key",
    "operator_name",
    "operator_key",
    "contact_name",
    "business_address",
    "address_key",
    "province",
    "city",
    "county",
    "town",
    "market",
    "exempt_case",
    "over_threshold",
    "agency_name",
    "agency_key",
    "agency_uscc",
    "payee_name",
    "payee_key",
    "payee_bank",
)
_UNIT, _NOTHING = "\x1f", "\x00"


def row_texts(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series[str]:
    """One text per row of these columns, with separators that no cleaned value contains."""
    cells = [to_arrow(frame[c]) for c in columns]
    between = pa.scalar(_UNIT, pa.large_string())
    out = pc.binary_join_element_wise(*cells, between, null_handling="replace", null_replacement=_NOTHING)
    return pd.Series(out, index=frame.index, dtype="str")


def with_streamers(frame: pd.DataFrame, streamers: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with a column ``streamers``: JSON text of the row's people on camera, in their order, or NA."""
    if streamers.empty:
        return frame.assign(streamers=pd.Series(pd.NA, index=frame.index, dtype="str"))
    ordered = streamers.sort_values(["idx", "ordinal"])
    fields = [(name, to_arrow(ordered[name])) for name in (*STREAMER_FIELDS, "id_mask", "phone_mask")]
    people = pd.Series(json_objects(fields), index=ordered["idx"].to_numpy(), dtype="str").fillna("{}")
    lists = "[" + joined(people, ",") + "]"
    return frame.assign(streamers=lists.reindex(frame.index).astype("str"))


def record_keys(frame: pd.DataFrame, ring: Keyring, source: str) -> pd.Series[str]:
    """The record key of each row (columns CONTENT, with ``streamers``)."""
    return ring.match_column(source + _UNIT + row_texts(frame, CONTENT), "record").astype("str")


def seal_records(
    frame: pd.DataFrame, streamers: pd.DataFrame, ring: Keyring, *, source: str, loose: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows (NORMALISED with ``record_key`` and ``streamers``, unique by record_key) as rows of ``record`` with ``signature``,
    and their people on camera as rows of ``record_streamer`` with ``record_key``. No plain number is left in either."""
    out = frame[["record_key", *_COPIED]].copy()
    out["source"] = source
    out["account_ref"] = frame["account_id"]
    out["loose"] = int(loose)
    out["id_hash"] = ring.match_column(frame["id_number"], "id")
    out["id_mask"] = mask_id_column(frame["id_number"]).fillna(frame["id_mask"])
    out["birth_year"] = frame["birth_date"].str.slice(0, 4)
    out["operator_hash"] = ring.match_column(frame["operator_id_number"], "id")
    out["operator_mask"] = mask_id_column(frame["operator_id_number"]).fillna(frame["operator_id_mask"])
    out["phone_hash"] = ring.match_column(frame["contact_phone"], "phone")
    out["phone_hashes"] = hash_lists(frame["phones"], ring)
    out["phone_mask"] = mask_phone_column(frame["contact_phone"]).fillna(frame["phone_mask"])
    out["payee_hash"] = ring.match_column(frame["payee_account"], "payee")
    out["payee_mask"] = mask_account_column(frame["payee_account"]).fillna(frame["payee_account_mask"])
    out["signature"] = signatures(out, ring)
    out["sealed"] = pd.Series(
        ring.seal_column(sensitive_texts(frame, SENSITIVE), column="record.sealed", record_keys=out["record_key"].tolist()),
        index=out.index,
        dtype=object,
    )
    return out, _seal_streamers(frame, streamers, ring)


def hash_lists(lists: pd.Series[str], ring: Keyring) -> pd.Series[str]:
    """``a;b`` → ``hash(a);hash(b)``, so that every phone of a row can be matched."""
    return map_parts(lists, lambda parts: ring.match_column(parts, "phone"))


def signatures(records: pd.DataFrame, ring: Keyring) -> pd.Series[str]:
    """Keyed hash of how each record's holder is described (columns as in ``record``)."""
    name = records["subject_key"].fillna("")
    kind = records["subject_kind"].fillna("")
    person = records["subject_kind"].isin(["natural_person", "other"]) | records["subject_kind"].isna()
    weak = (
        "W"
        + _UNIT
        + records["platform"].fillna("")
        + _UNIT
        + records["account_ref"].fillna("")
        + _UNIT
        + kind
        + _UNIT
        + name
        + _UNIT
        + records["id_mask"].fillna("")
    )
    text = weak.mask(
        (person & records["id_hash"].notna()).to_numpy(), "I" + _UNIT + records["id_hash"].fillna("") + _UNIT + name
    )
    text = text.mask(records["uscc"].notna().to_numpy(), "U" + _UNIT + records["uscc"].fillna("") + _UNIT + name)
    return ring.match_column(text, "subject").astype("str")


def sensitive_texts(frame: pd.DataFrame, fields: Sequence[str]) -> list[str | None]:
    """JSON text of each row's sensitive values that are there, None if there is none."""
    texts: list[str | None] = json_objects((f, to_arrow(frame[f])) for f in fields).to_numpy(zero_copy_only=False).tolist()
    return texts


def _seal_streamers(frame: pd.DataFrame, streamers: pd.DataFrame, ring: Keyring) -> pd.DataFrame:
    people = streamers[streamers["idx"].isin(frame.index)]
    return pd.DataFrame(
        {
            "record_key": people["idx"].map(frame["record_key"]).astype("str"),
            "ordinal": people["ordinal"].astype("int64"),
            "name": people["name"],
            "name_key": people["name_key"],
            "id_hash": ring.match_column(people["id_number"], "id"),
            "id_mask": mask_id_column(people["id_number"]).fillna(people["id_mask"]),
            "phone_hash": ring.match_column(people["phone"], "phone"),
            "phone_mask": mask_phone_column(people["phone"]).fillna(people["phone_mask"]),
            "relation": people["relation"],
            "agency": people["agency"],
            "agency_key": people["agency_key"],
            "residence": people["residence"],
            "licence": people["licence"],
            "position": people["position"],
        }
    )
