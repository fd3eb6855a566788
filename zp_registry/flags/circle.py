"""Who belongs to a holder: the names that may take its money or stand before its camera without being strangers."""

from __future__ import annotations

from copy import copy

import numpy as np
import pandas as pd

from zp_registry.frames import among, both_ways, rows_among
from zp_registry.resolve.links import FORMER, INNOCENT, OPERATOR, REPRESENTATIVE

_FIRM = r"公司|合作社|工作室|中心|事务所|(?:店|行|厂|部)$"


class Circle:
    """Names by entity (own names, legal representative, operator, declared family and staff, those of linked entities), the
    households (other names at one address) and the phones that agencies lend to their clients.

    A link by a shared payee account counts for nothing here: money that goes to somebody else is the very thing to look at.
    Nor does a former legal representative's, but for changes of the time.
    """

    def __init__(
        self,
        facts: pd.DataFrame,
        faces: pd.DataFrame,
        links: pd.DataFrame,
        reviewed: pd.DataFrame | None = None,
        on: str = "",
    ) -> None:
        """``facts``, ``faces``, ``links``: of Resolved · ``reviewed``: of Evidence · ``on``: the date on which a person's word
        must be good."""
        pairs = [
            facts[["entity_id", c]].set_axis(["entity_id", "name"], axis=1).dropna().drop_duplicates()
            for c in ("subject_key", "legal_key", "operator_key", "agency_key")
        ]
        plain = pairs[0].rename(columns={"entity_id": "other_entity_id"})
        family = faces.loc[faces["relation"] == "family", ["entity_id", "name_key"]]
        pairs.append(family.set_axis(["entity_id", "name"], axis=1))
        pairs.append(_by_number(facts, faces))
        own = pd.concat(pairs).dropna().drop_duplicates()
        shops, led = links[links["ground"] == OPERATOR], links[links["ground"] == REPRESENTATIVE]
        linked = _theirs(both_ways(shops), own.rename(columns={"entity_id": "other_entity_id"}))
        # Of a firm and who leads it the two names alone: the firm's former heads and agencies are strangers to its head.
        headed = _theirs(both_ways(led), plain)
        every = [own, linked, headed]
        # What a person looked at and found innocent, as long as that word is good on the date ``on``.
        self.reviewed: set[tuple[str, str]] = set()
        if reviewed is not None and len(reviewed):
            good = reviewed[reviewed["expires_on"] >= on]
            every.append(good[["entity_id", "name_key"]].dropna().set_axis(["entity_id", "name"], axis=1))
            pairs_of = both_ways(good.dropna(subset=["other_entity_id"]))
            self.reviewed = set(pairs_of.itertuples(index=False, name=None))
            every.append(_theirs(pairs_of, plain))
        self._own = pd.concat(every, ignore_index=True).drop_duplicates()
        self._business_names = facts.loc[facts["uscc"].notna()].groupby("entity_id")["subject_key"].last()
        self._household = self._households(facts)
        self.agency_phones = self._agency_phones(facts)
        self.collectors = self._collectors(facts)
        self.shops = _groups(shops)
        known = pd.DataFrame(list(self.reviewed), columns=["entity_id", "other_entity_id"], dtype="str")
        self.group = _groups(pd.concat([links[links["ground"].isin(INNOCENT)], known], ignore_index=True))
        self.heads = {
            (p, f): (a, b)
            for p, f, a, b in links.loc[
                links["ground"].isin([REPRESENTATIVE, FORMER]), ["entity_id", "other_entity_id", "first_seen", "last_seen"]
            ].itertuples(index=False, name=None)
        }

    def of(self, entities: pd.Series[str]) -> Circle:
        """The same for these entities alone, so that what is asked of it is found among few."""
        out = copy(self)
        out._own = self._own[among(self._own["entity_id"], entities)]
        out._household = self._household[among(self._household["entity_id"], entities)]
        return out

    @staticmethod
    def _households(rows: pd.DataFrame) -> pd.DataFrame:
        """entity_id, name of others at the same exact address, as far as few enough names stand there to be a family; at a
        crowded address (a market) the phone must be the same too.

        Never the phone alone: it moves with an account that changes hands, a home does not.
        """
        homes = rows[["entity_id", "subject_key", "address_key", "phone_hash"]].drop_duplicates()
        homes = homes[homes["address_key"].str.len().ge(6).fillna(False) & homes["subject_key"].notna()]
        out = []
        for keys in (["address_key"], ["address_key", "phone_hash"]):
            same = homes.dropna(subset=keys)
            same = same[same.groupby(keys)["subject_key"].transform("nunique") <= 3]
            pairs = same.merge(same, on=keys)
            pairs = pairs[pairs["entity_id_x"] != pairs["entity_id_y"]]
            out.append(pairs[["entity_id_x", "subject_key_y"]].set_axis(["entity_id", "name"], axis=1))
        return pd.concat(out, ignore_index=True).drop_duplicates()

    @staticmethod
    def _agency_phones(rows: pd.DataFrame) -> set[str]:
        """Phones that at least two accounts of one declared agency give: the agency's own."""
        used = rows.loc[
            rows["agency_key"].notna() & rows["phone_hash"].notna(), ["phone_hash", "agency_key", "entity_id"]
        ].drop_duplicates()
        counts = used.groupby(["phone_hash", "agency_key"]).size().reset_index(name="n")
        return set(counts.loc[counts["n"] >= 2, "phone_hash"])

    @staticmethod
    def _collectors(rows: pd.DataFrame) -> set[str]:
        """Payee accounts of firms that collect for clients of agencies (机构代收): a firm's account with a declared agency."""
        firm = rows["payee_name"].str.contains(_FIRM, regex=True).fillna(False)
        own = (rows["payee_key"] == rows["subject_key"]).fillna(False)
        return set(rows.loc[firm & ~own & rows["agency_key"].notna() & rows["payee_hash"].notna(), "payee_hash"])

    def owns(self, entity: pd.Series[str], name: pd.Series[str]) -> pd.Series[bool]:
        """True where ``name`` belongs to the entity (or stands in its business name, as in 王莹云玉器行)."""
        asked = pd.DataFrame({"entity_id": entity, "name": name}).dropna().drop_duplicates()
        owned = rows_among(asked, ["entity_id", "name"], self._own)
        rest = asked[~owned]
        shops = rest["entity_id"].map(self._business_names)
        named = [isinstance(s, str) and n in s for n, s in zip(rest["name"], shops, strict=True)]
        return _marked(entity, name, pd.concat([asked[owned], rest[np.array(named, dtype=bool)]]))

    def leads(self, person: pd.Series[str], firm: pd.Series[str], day: pd.Series[str]) -> pd.Series[bool]:
        """True where ``person`` is known as the legal representative of ``firm`` on ``day``."""
        spans = [self.heads.get((p, f), ("9", "")) for p, f in zip(person, firm, strict=True)]
        return pd.Series(
            [isinstance(d, str) and a <= d <= b for (a, b), d in zip(spans, day, strict=True)], index=person.index, dtype=bool
        )

    def lives_with(self, entity: pd.Series[str], name: pd.Series[str]) -> pd.Series[bool]:
        """True where ``name`` is somebody of the entity's household."""
        return _marked(entity, name, self._household)

    def lent(self, phones: pd.Series[str]) -> pd.Series[bool]:
        """True where one of the phones is an agency's."""
        distinct = phones.dropna().drop_duplicates()
        lent = {p for p in distinct if not self.agency_phones.isdisjoint(p.split(";"))}
        return among(phones, lent)


def _marked(entity: pd.Series[str], name: pd.Series[str], pairs: pd.DataFrame) -> pd.Series[bool]:
    """True where (entity, name) is one of ``pairs`` (entity_id, name)."""
    return rows_among(pd.DataFrame({"entity_id": entity, "name": name}), ["entity_id", "name"], pairs)


def _by_number(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """entity_id, name of people on camera who bear the number of the holder or of its operator: layouts without a column for
    the operator's name tell it so."""
    cast = people.dropna(subset=["id_hash", "name_key"])[["id_hash", "name_key"]].drop_duplicates()
    held = pd.concat([rows[["entity_id", c]].set_axis(["entity_id", "id_hash"], axis=1) for c in ("id_hash", "operator_hash")])
    both = held.dropna().drop_duplicates().merge(cast, on="id_hash")
    return both[["entity_id", "name_key"]].set_axis(["entity_id", "name"], axis=1)


def _theirs(pairs: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """entity_id, name: the ``names`` (other_entity_id, name) of those to whom ``pairs`` bind an entity."""
    return pairs.merge(names, on="other_entity_id")[["entity_id", "name"]]


def _groups(links: pd.DataFrame) -> pd.Series[str]:
    """Entity → a name for all that ``links`` bind to it, so that a person and the person's shop count once; entities without
    any are left out."""
    parent: dict[str, str] = {}

    def root(e: str) -> str:
        while parent.setdefault(e, e) != e:
            e = parent[e]
        return e

    for left, right in zip(links["entity_id"], links["other_entity_id"], strict=True):
        a, b = sorted((root(left), root(right)))
        parent[b] = a
    return pd.Series({e: root(e) for e in list(parent)}, dtype="str")
