"""Whose pledge is it, and does it hold? A pure function of the ledger, the entities and a date.

A ledger row belongs to the entity whose number it bears; without a number to the one of its name and phone. A person's pledge
does not cover the person's sole proprietorship, nor the reverse. The best valid pledge counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from zp_registry.evidence import Evidence
from zp_registry.frames import BUSINESS_KINDS, SUBJECT_KINDS, among, both_ways, rows_among
from zp_registry.resolve import Resolved
from zp_registry.resolve.subjects import masks_fit

BEST_FIRST = ("signed", "outdated", "expired", "mismatch")


@dataclass(frozen=True)
class PledgeRules:
    """``validity_years`` counts where the ledger names no end; ``outdated`` are template versions that no longer hold, and with
    ``current`` given every other version that is named; ``exempt`` entity ids or credit codes that need not sign, and kinds
    that are not in ``must_sign``.
    ``person_covers_shop``, ``shop_covers_person``: whether a valid pledge counts for the other of a
    person and the person's own sole proprietorship. ``alike_covers``: nobody is pursued who is probably the signer under
    another description, as long as review has not decided."""

    validity_years: int = 2
    outdated: frozenset[str] = field(default_factory=frozenset)
    exempt: frozenset[str] = field(default_factory=frozenset)
    current: str | None = None
    must_sign: frozenset[str] = frozenset(SUBJECT_KINDS)
    person_covers_shop: bool = False
    shop_covers_person: bool = False
    alike_covers: bool = True


def match_pledges(evidence: Evidence, resolved: Resolved) -> pd.DataFrame:
    """The ledger's rows with ``entity_id`` (NA: no entity fits), ``how`` and ``fits`` (name or signer agrees with
    the entity)."""
    pledges = evidence.pledges
    known = _known(resolved)
    out = pledges.assign(entity_id=pd.Series(pd.NA, index=pledges.index, dtype="str"), how="")
    steps = (("number", _by_number), ("mask", _by_mask), ("phone", _by_phone), ("town", _by_mask_and_town),
             ("name", _by_name))  # fmt: skip
    for how, step in steps:
        open_rows = out[out["entity_id"].isna()]
        if how == "name":  # a number that fits nobody is a row for nobody, not one to be given away by name alone
            open_rows = open_rows[open_rows["uscc"].isna() & open_rows["id_hash"].isna()]
        found = step(open_rows, known)
        out.loc[found.index, "entity_id"] = found
        out.loc[found.index, "how"] = how
    out["fits"] = _fits(out, known)
    # The number is one person's, the name another's whose visible digits are those of the number: probably one who was renamed,
    # and the pledge counts for the one who bears the name.
    renamed = _by_mask(out[~out["fits"] & out["uscc"].isna()], known)
    out.loc[renamed.index, "entity_id"] = renamed
    out.loc[renamed.index, "fits"] = True
    return _as_told(out, evidence.pledge_words)


def _as_told(out: pd.DataFrame, words: pd.DataFrame) -> pd.DataFrame:
    """What a person said of a ledger row beats what the rules found: whose it is, or that it is nobody's here."""
    if words.empty:
        return out
    said = words.set_index("record_key")["entity_id"]
    told = out["record_key"].isin(said.index)
    out.loc[told, "entity_id"] = out.loc[told, "record_key"].map(said).astype("str")
    out.loc[told, "how"] = "person"
    out.loc[told, "fits"] = True
    return out


def candidates(matched: pd.DataFrame, resolved: Resolved) -> pd.DataFrame:
    """For ledger rows that belong to no entity, or that several fit: ``pledge_id``, ``entity_id``, ``why`` (Chinese) and
    ``weight`` (how many things agree), the best first. Rows of which a person spoke are left out."""
    rows = matched[matched["entity_id"].isna() & (matched["how"] != "person")].rename_axis("pledge").reset_index()
    rows = rows.drop(columns="entity_id")
    known = _known(resolved)
    numbers = known.numbers
    phones = rows.assign(phone=rows["phone_hashes"].fillna(rows["phone_hash"]).str.split(";")).explode("phone")
    phones = phones.astype({"phone": "str"}).dropna(subset=["phone"])
    named = rows.dropna(subset=["subject_key"])
    signed = rows.dropna(subset=["signer_key"])
    parts = [
        rows.merge(numbers[numbers["kind"] == "uscc"], left_on="uscc", right_on="value").assign(why="信用代码相同"),
        rows.merge(numbers[numbers["kind"] == "id"], left_on="id_hash", right_on="value").assign(why="证件号码相同"),
        rows.merge(known.operators, left_on="id_hash", right_on="operator_hash").assign(why="经营者证件号码相同"),
        named.merge(known.names, left_on="subject_key", right_on="name_key").assign(why="名称相同"),
        signed.merge(known.people, left_on="signer_key", right_on="name_key").assign(why="签署人为其经营者或法定代表人"),
        phones.merge(known.phones, on="phone").assign(why="联系电话相同"),
    ]
    found = pd.concat([p[["pledge_id", "entity_id", "why"]] for p in parts], ignore_index=True).drop_duplicates()
    told = found.groupby(["pledge_id", "entity_id"])["why"].agg(["、".join, "size"]).reset_index()
    told = told.rename(columns={"join": "why", "size": "weight"})
    return told.sort_values(["pledge_id", "weight", "entity_id"], ascending=[True, False, True], ignore_index=True)


@dataclass
class _Known:
    names: pd.DataFrame  # entity_id, name_key, business
    phones: pd.DataFrame  # entity_id, phone
    numbers: pd.DataFrame  # entity_id, kind, value
    people: pd.DataFrame  # entity_id, name_key: legal representatives, operators, contacts
    operators: pd.DataFrame  # entity_id, operator_hash
    towns: pd.Series[str]


def _known(resolved: Resolved) -> _Known:
    rows = resolved.facts
    business = resolved.entities.set_index("entity_id")["kind"].isin(BUSINESS_KINDS)
    names = (
        rows.loc[rows["subject_key"].notna(), ["entity_id", "subject_key"]]
        .drop_duplicates()
        .rename(columns={"subject_key": "name_key"})
    )
    names["business"] = names["entity_id"].map(business).astype(bool)
    phones = rows[["entity_id"]].assign(phone=rows["phone_hashes"].fillna(rows["phone_hash"]).str.split(";")).explode("phone")
    phones["phone"] = phones["phone"].astype("str")
    people = pd.concat([rows[["entity_id", c]].rename(columns={c: "name_key"}) for c in ("legal_key", "operator_key")])
    operators = rows.loc[rows["operator_hash"].notna(), ["entity_id", "operator_hash"]].drop_duplicates()
    return _Known(
        names,
        phones.dropna().drop_duplicates(),
        resolved.identifiers,
        people.dropna().drop_duplicates(),
        operators,
        resolved.entities.set_index("entity_id")["town"],
    )


def _single(pairs: pd.DataFrame) -> pd.Series[str]:
    """pledge index → entity, where a single entity fits."""
    pairs = pairs[["pledge", "entity_id"]].drop_duplicates()
    alone = pairs[~pairs.duplicated("pledge", keep=False)]
    return alone.set_index("pledge")["entity_id"]


def _by_number(rows: pd.DataFrame, known: _Known) -> pd.Series[str]:
    flat = rows.rename_axis("pledge").reset_index()
    uscc = flat.merge(known.numbers[known.numbers["kind"] == "uscc"], left_on="uscc", right_on="value", suffixes=("_old", ""))
    # A shop's pledge may bear its operator's number: the name decides which of the two signed.
    shops = (
        flat.drop(columns="entity_id")
        .merge(known.operators, left_on="id_hash", right_on="operator_hash")
        .merge(known.names[known.names["business"]], on="entity_id")
    )
    shops = shops[shops["subject_key"] == shops["name_key"]]
    person = flat.merge(
        known.numbers[known.numbers["kind"] == "id"], left_on="id_hash", right_on="value", suffixes=("_old", "")
    )
    person = person[~person["pledge"].isin(shops["pledge"])]
    return pd.concat([_single(uscc), _single(shops), _single(person)]).groupby(level=0).first()


def _by_mask(rows: pd.DataFrame, known: _Known) -> pd.Series[str]:
    """Name and visible digits, of a person of whom no other whole number is known."""
    return _single(_masked(rows, known))


def _by_mask_and_town(rows: pd.DataFrame, known: _Known) -> pd.Series[str]:
    """The same, where of several only one is of the row's town."""
    pairs = _masked(rows, known)
    return _single(pairs[(pairs["entity_id"].map(known.towns).astype("str") == pairs["town"]).fillna(False)])


def _masked(rows: pd.DataFrame, known: _Known) -> pd.DataFrame:
    flat = rows[rows["id_mask"].notna() & rows["subject_key"].notna()].rename_axis("pledge").reset_index()
    pairs = flat.drop(columns="entity_id").merge(
        known.names[~known.names["business"]], left_on="subject_key", right_on="name_key"
    )
    whole = set(known.numbers.loc[known.numbers["kind"] == "id", "entity_id"])
    pairs = pairs[pairs["id_hash"].isna() | ~among(pairs["entity_id"], whole)]
    pairs = pairs.merge(known.numbers[known.numbers["kind"] == "mask"], on="entity_id")
    return pairs[masks_fit(pairs["id_mask"], pairs["value"])]


def _by_phone(rows: pd.DataFrame, known: _Known) -> pd.Series[str]:
    flat = rows[rows["subject_key"].notna()].rename_axis("pledge").reset_index().drop(columns="entity_id")
    flat["phone"] = flat["phone_hashes"].fillna(flat["phone_hash"]).str.split(";")
    flat = flat.explode("phone").assign(phone=lambda f: f["phone"].astype("str")).dropna(subset=["phone"])
    pairs = flat.merge(known.phones, on="phone").merge(known.names, on="entity_id")
    exact = _single(pairs[pairs["subject_key"] == pairs["name_key"]])
    rest = pairs[~pairs["pledge"].isin(exact.index) & pairs["business"]]
    return pd.concat([exact, _single(rest[short_form(rest["subject_key"], rest["name_key"])])])


def _by_name(rows: pd.DataFrame, known: _Known) -> pd.Series[str]:
    """A name that only one entity bears, if its town or its signer agrees too (or, for a business, the whole name)."""
    flat = rows[rows["subject_key"].notna()].rename_axis("pledge").reset_index().drop(columns="entity_id")
    pairs = flat.merge(known.names, left_on="subject_key", right_on="name_key")
    pairs = pairs[~pairs.duplicated("pledge", keep=False)]
    town = pairs["entity_id"].map(known.towns).astype("str")
    signer = _pair_in(pairs["entity_id"], pairs["signer_key"], known.people)
    return _single(pairs[pairs["business"] | (town == pairs["town"]).fillna(False) | signer])


def _pair_in(entity: pd.Series[str], name: pd.Series[str], table: pd.DataFrame) -> pd.Series[bool]:
    return rows_among(pd.DataFrame({"entity_id": entity, "name_key": name}), ["entity_id", "name_key"], table)


def short_form(short: pd.Series[str], full: pd.Series[str]) -> pd.Series[bool]:
    """True where ``short`` is ``full`` with some of its characters left out, in order, and long enough to mean something."""

    def fit(a: str, b: str) -> bool:
        rest = iter(b)
        return len(a) >= 3 and all(c in rest for c in a)

    return pd.Series(
        [isinstance(a, str) and isinstance(b, str) and fit(a, b) for a, b in zip(short, full, strict=True)],
        index=short.index,
        dtype=bool,
    )


def _fits(rows: pd.DataFrame, known: _Known) -> pd.Series[bool]:
    """Name or signer agrees with the entity; a row without both agrees with its number alone."""
    flat = rows[rows["entity_id"].notna()]
    named = _pair_in(flat["entity_id"], flat["subject_key"], known.names)
    signed = _pair_in(flat["entity_id"], flat["signer_key"], pd.concat([known.people, known.names[["entity_id", "name_key"]]]))
    pairs = flat.rename_axis("pledge").reset_index().merge(known.names[known.names["business"]], on="entity_id")
    short = pairs[short_form(pairs["subject_key"], pairs["name_key"])]["pledge"]
    silent = flat["subject_key"].isna() & flat["signer_key"].isna()
    out = pd.Series(True, index=rows.index)
    out.loc[flat.index] = named | signed | silent | flat.index.isin(short)
    return out


def _covered(status: pd.Series[str], operates: pd.DataFrame, rules: PledgeRules) -> pd.Series[str]:
    """A signed pledge of a person counts for the own shop, or the reverse, as the settings say; one step, never a chain."""
    ends = (
        ("entity_id", "other_entity_id", rules.person_covers_shop),
        ("other_entity_id", "entity_id", rules.shop_covers_person),
    )
    signed = set(status.index[status == "signed"])
    out = status
    for giver, taker, said in ends:
        if said:
            covered = set(operates.loc[among(operates[giver], signed), taker])
            out = out.mask(among(out.index.to_series(), covered), "signed")
    return out


def statuses(
    matched: pd.DataFrame,
    entities: pd.DataFrame,
    on: str,
    rules: PledgeRules,
    operates: pd.DataFrame | None = None,
    alike: pd.DataFrame | None = None,
) -> pd.Series[str]:
    """Pledge status (frames.PLEDGE_STATUSES) of every entity on a date, index entity_id. ``operates``: links of persons
    (entity_id) and their own sole proprietorships (other_entity_id); ``alike``: as in Resolved."""
    rows = matched[matched["entity_id"].notna() & (matched["signed_on"] <= on).fillna(False)]
    until = rows["valid_until"].fillna(years_later(rows["signed_on"], rules.validity_years))
    kind = pd.Series("signed", index=rows.index, dtype="str")
    old = rows["template_version"].isin(list(rules.outdated))
    if rules.current is not None:
        old |= rows["template_version"].notna() & (rows["template_version"] != rules.current)
    kind = kind.mask(old, "outdated")
    kind = kind.mask((until < on).fillna(False), "expired").mask(~rows["fits"], "mismatch")
    rank = kind.map({k: i for i, k in enumerate(BEST_FIRST)})
    best = rank.groupby(rows["entity_id"]).min().map(dict(enumerate(BEST_FIRST)))
    out = entities.set_index("entity_id")["uscc"]
    status = best.reindex(out.index).fillna("missing").astype("str")
    if alike is not None and rules.alike_covers:
        signed, pairs = set(status.index[status == "signed"]), both_ways(alike)
        covered = set(pairs.loc[among(pairs["entity_id"], signed), "other_entity_id"])
        status = status.mask(among(status.index.to_series(), covered), "signed")
    if operates is not None and (rules.person_covers_shop or rules.shop_covers_person):
        status = _covered(status, operates, rules)
    exempt = out.index.isin(list(rules.exempt)) | out.isin(list(rules.exempt)).to_numpy()
    exempt |= ~entities["kind"].isin(list(rules.must_sign)).to_numpy()
    return status.mask(exempt, "exempt")


def years_later(dates: pd.Series[str], years: int) -> pd.Series[str]:
    """The same day ``years`` later, ISO text (29 February becomes 28)."""
    days = pd.to_datetime(dates, errors="coerce") + pd.DateOffset(years=years)
    return days.dt.strftime("%Y-%m-%d").astype("str")
