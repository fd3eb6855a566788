"""Links between entities that are not one but belong together, or may: evidence, which never makes two entities one.

``operates``: a natural person and the person's own sole proprietorship, by the operator's number. ``controls``: a natural
person and the enterprise or cooperative of which the person is the legal representative; or the owner of a payee account and
another whose money goes there.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from zp_registry.frames import among, both_ways, rows_among
from zp_registry.resolve.subjects import masks_fit

LED = ("enterprise", "cooperative")
# Grounds. The first two say that it is one person's business, now; the others do not.
OPERATOR, REPRESENTATIVE, FORMER, PAYEE = "operator", "representative", "former_representative", "payee"
INNOCENT: Final = (OPERATOR, REPRESENTATIVE)
TABLE: Final = ("entity_id", "other_entity_id", "kind", "why")  # the columns of table ``link``
COLUMNS: Final = (*TABLE, "ground", "first_seen", "last_seen")

_PAIR = ["entity_id", "other_entity_id"]
_THINGS = {"phone": "电话", "payee": "收款账户", "address": "地址"}


def links(seen: pd.DataFrame, entities: pd.DataFrame, hub_names: int = 4) -> pd.DataFrame:
    """COLUMNS, one row per pair and kind.

    ``seen``: Resolved.facts · ``entities``: survivorship's (resolve.LINKED) ·
    ``hub_names``: from so many different names on, a phone, payee account or address says nothing. ``ground`` is operator,
    representative, former_representative or payee; ``first_seen`` and ``last_seen`` are the report dates that say so. The same
    for the same evidence in whatever order it came.
    """
    people = entities.loc[entities["kind"] == "natural_person", ["entity_id", "name_key", "id_hash", "id_mask"]]
    own = _operated(seen, people)
    parts = [own, _represented(seen, people, hub_names), _paid(seen, entities, hub_names)]
    found = pd.concat(parts, ignore_index=True)
    # Whose shop it is pays to its operator as a matter of course.
    known = pd.MultiIndex.from_frame(both_ways(own))
    found = found[(found["ground"] != PAYEE) | ~pd.MultiIndex.from_frame(found[_PAIR]).isin(known)]
    strength = found["ground"].map({OPERATOR: 0, REPRESENTATIVE: 1, FORMER: 2, PAYEE: 3}).astype("int64")
    found = found.assign(strength=strength).sort_values([*_PAIR, "kind", "strength", "why"], ignore_index=True)
    keys = [*_PAIR, "kind"]
    out = found.drop_duplicates(keys).set_index(keys)
    several = found[found.duplicated(keys, keep=False)].drop_duplicates([*keys, "why"])
    out["why"] = several.groupby(keys)["why"].agg("；".join).reindex(out.index).fillna(out["why"])
    return out.reset_index()[list(COLUMNS)].astype("str")


def _dated(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Distinct ``keys`` with the first and last date on which they stood."""
    spans = {"first_seen": ("first_seen", "min"), "last_seen": ("last_seen", "max")}
    return rows.groupby(keys, dropna=False).agg(**spans).reset_index()


def _linked(pairs: pd.DataFrame, kind: str) -> pd.DataFrame:
    spans = {"first_seen": ("first_seen", "min"), "last_seen": ("last_seen", "max")}
    return pairs.groupby([*_PAIR, "ground", "why"]).agg(**spans).reset_index().assign(kind=kind)


def _operated(seen: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    rows = seen[(seen["subject_kind"] == "sole_proprietor") & seen["operator_hash"].notna()]
    shops = _dated(rows, ["entity_id", "operator_hash"]).rename(columns={"entity_id": "other_entity_id"})
    pairs = shops.merge(people[["entity_id", "id_hash"]], left_on="operator_hash", right_on="id_hash")
    return _linked(pairs.assign(ground=OPERATOR, why="经营者证件号码与自然人证件号码相同"), "operates")


def _represented(seen: pd.DataFrame, people: pd.DataFrame, hub_names: int) -> pd.DataFrame:
    """Legal representatives: by their number; where none is told, by name and one more thing that agrees, if one fits."""
    rows = seen[seen["subject_kind"].isin(LED)]
    # The number beside a legal representative may be that of somebody else who runs the account.
    other = rows["operator_key"].notna() & (rows["operator_key"] != rows["legal_key"]).fillna(True)
    rows = rows.assign(operator_hash=rows["operator_hash"].mask(other), operator_mask=rows["operator_mask"].mask(other))
    told = _dated(
        rows[rows["legal_key"].notna() | rows["operator_hash"].notna()],
        ["entity_id", "legal_key", "operator_hash", "operator_mask"],
    ).rename(columns={"entity_id": "other_entity_id"})
    told["legal_key"] = told["legal_key"].fillna(told["operator_hash"].map(_names_by_number(people))).astype("str")
    named = told.groupby(["other_entity_id", "legal_key"])["last_seen"].max().rename("named_until").reset_index()
    told = told.merge(named, on=["other_entity_id", "legal_key"], how="left")
    told["named_until"] = told["named_until"].fillna(told["last_seen"])
    told["present"] = told["named_until"] == told.groupby("other_entity_id")["named_until"].transform("max")
    numbered = told[told["operator_hash"].notna()]  # two missing numbers are not one
    by_number = numbered.merge(people[["entity_id", "id_hash"]], left_on="operator_hash", right_on="id_hash")
    by_number = by_number.assign(how="法定代表人证件号码与自然人证件号码相同")
    by_name = _by_name(rows, seen, people, told, hub_names)
    pairs = pd.concat([by_number, by_name], ignore_index=True)
    pairs["ground"] = pairs["present"].map({True: REPRESENTATIVE, False: FORMER}).astype("str")
    # Of a former one the day is told, since it no longer moves.
    pairs["why"] = pairs["how"].where(pairs["present"], "原" + pairs["how"] + "（报送至 " + pairs["named_until"] + "）")
    pairs["last_seen"] = pairs["named_until"]
    return _linked(pairs, "controls")


def _names_by_number(people: pd.DataFrame) -> pd.Series[str]:
    known = people.dropna(subset=["id_hash"]).sort_values(["id_hash", "entity_id"]).drop_duplicates("id_hash")
    return known.set_index("id_hash")["name_key"]


def _by_name(rows: pd.DataFrame, seen: pd.DataFrame, people: pd.DataFrame, told: pd.DataFrame, hub_names: int) -> pd.DataFrame:
    numbered = told.loc[told["operator_hash"].notna(), ["other_entity_id", "legal_key"]]
    open_ = told[told["operator_hash"].isna() & told["legal_key"].notna()]
    open_ = open_[~rows_among(open_, ["other_entity_id", "legal_key"], numbered)]
    persons = seen[among(seen["entity_id"], people["entity_id"]) & among(seen["subject_key"], open_["legal_key"])]
    firms = rows[among(rows["entity_id"], open_["other_entity_id"])]
    alike = _things(persons, "subject_key").merge(
        _things(firms, "legal_key").rename(columns={"entity_id": "other_entity_id"}), on=["name", "type", "token"]
    )
    # Who else shows one of these things: what many share says nothing.
    shown = _things(seen, "subject_key", set(alike["token"]))
    names = shown.groupby(["type", "token"])["name"].nunique()
    things = pd.MultiIndex.from_frame(alike[["type", "token"]])
    alike = alike[(names.reindex(things).fillna(0) < hub_names).to_numpy(dtype=bool)]
    pairs = open_.merge(alike.rename(columns={"name": "legal_key"}), on=["other_entity_id", "legal_key"]).merge(
        people[["entity_id", "id_mask"]], on="entity_id"
    )
    pairs = pairs[masks_fit(pairs["operator_mask"], pairs["id_mask"])]
    rivals = pairs.groupby(["other_entity_id", "legal_key"])["entity_id"].transform("nunique")
    pairs = pairs[rivals == 1]  # namesakes who both fit: nobody is named
    agreed = (
        pairs[["entity_id", "other_entity_id", "legal_key", "type"]]
        .drop_duplicates()
        .sort_values("type")
        .assign(word=lambda f: f["type"].map(_THINGS))
        .groupby(["entity_id", "other_entity_id", "legal_key"])["word"]
        .agg("、".join)
        .rename("agreed")
        .reset_index()
    )
    pairs = pairs.drop(columns=["type", "token"]).drop_duplicates()
    pairs = pairs.merge(agreed, on=["entity_id", "other_entity_id", "legal_key"])
    return pairs.assign(how="法定代表人与自然人姓名相同，且" + pairs["agreed"] + "一致")


def _things(rows: pd.DataFrame, name: str, wanted: set[str] | None = None) -> pd.DataFrame:
    """entity_id, name, type, token of what may tell namesakes apart (of ``wanted`` alone); a short address does not."""
    base = rows[["entity_id", name]].set_axis(["entity_id", "name"], axis=1)
    phones = base.assign(type="phone", token=rows["phone_hashes"].fillna(rows["phone_hash"])).drop_duplicates()
    parts = [
        phones.assign(token=phones["token"].str.split(";")).explode("token"),
        base.assign(type="payee", token=rows["payee_hash"]),
        base.assign(type="address", token=rows["address_key"].where(rows["address_key"].str.len() >= 6)),
    ]
    given = [p[p["name"].notna() & (p["token"].notna() if wanted is None else among(p["token"], wanted))] for p in parts]
    return pd.concat([p.astype("str").drop_duplicates() for p in given], ignore_index=True)


def _paid(seen: pd.DataFrame, entities: pd.DataFrame, hub_names: int) -> pd.DataFrame:
    """Two entities with one payee account that bears the name of one of them; no hub, and not the declared agency's."""
    rows = seen[seen["payee_hash"].notna()]
    spread = rows.drop_duplicates(["entity_id", "payee_hash"]).groupby("payee_hash").size()
    rows = rows[among(rows["payee_hash"], spread.index[spread > 1])]
    names = rows.groupby("payee_hash")["subject_key"].nunique()
    rows = rows[among(rows["payee_hash"], names.index[names < hub_names])]
    used = _dated(rows, ["entity_id", "payee_hash", "payee_key", "agency_key"])
    owner = used[["entity_id", "payee_hash"]].drop_duplicates().merge(entities[["entity_id", "name_key"]], on="entity_id")
    stated = used.loc[used["payee_key"].notna(), ["payee_hash", "payee_key"]].drop_duplicates()
    owner = owner.merge(stated, left_on=["payee_hash", "name_key"], right_on=["payee_hash", "payee_key"])
    # Two who bear the account's name, or an account that stands under several names: nobody knows whose it is.
    sure = owner.groupby("payee_hash")["entity_id"].transform("nunique") == 1
    single = owner["payee_hash"].map(stated.groupby("payee_hash").size()) == 1
    owner = owner.loc[sure & single, ["entity_id", "payee_hash", "name_key"]].drop_duplicates()
    pairs = owner.merge(used.rename(columns={"entity_id": "other_entity_id"}), on="payee_hash")
    agency = (pairs["agency_key"] == pairs["name_key"]).fillna(False)
    pairs = pairs[(pairs["entity_id"] != pairs["other_entity_id"]) & ~agency]
    return _linked(pairs.assign(ground=PAYEE, why="使用对方名下的收款账户（户名相符）"), "controls")
