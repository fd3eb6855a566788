"""The layouts that are plain text (csv and JSON Lines), and what all layouts share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import COOP, ENTERPRISE, SOLE, Obj, either, glue, obj, text
from .render import Table, Text, blank, table
from .words import KUAISHOU, RELATIONS_CODE, WEIPAITANG, XIAOHONGSHU


@dataclass
class Report:
    """What a layout needs beside the rows: the report date and the words for it."""

    day: np.datetime64

    @property
    def iso(self) -> str:
        return str(self.day)

    @property
    def chinese(self) -> str:
        return f"{self.iso[:4]}年{self.iso[5:7]}月{self.iso[8:]}日"


def rows(t: Text) -> int:
    return len(t.view)


def licensed(t: Text, column: Obj) -> Obj:
    return either(t.natural, None, column)


def natural(t: Text, column: Obj) -> Obj:
    return either(t.natural, column, None)


def person_documents(t: Text) -> Obj:
    """Numbers of natural persons and of sole proprietors' operators; companies report none."""
    return either(np.isin(t.kind, (ENTERPRISE, COOP)), None, t.person_number)


def two_relations(t: Text, words: tuple[str, ...]) -> Obj:
    return t.join(t.relations(words), either(t.view.second < 0, None, words[1]))


def kuaishou(t: Text, r: Report) -> list[Table]:
    columns = [
        t.account_id,
        t.view.nick,
        t.person_name,
        t.person_number,
        licensed(t, t.name),
        t.uscc,
        t.phone,
        t.address,
        t.people(t.view.streamer, "name"),
        t.people(t.view.streamer, "number"),
        t.payee_name,
        t.payee_account,
        t.agency,
        text(t.accounts.followers[t.view.account]),
        glue(t.date("opened"), " 09:30:00"),
        obj(("1", "2", "3"))[t.view.status],
    ]
    return [table("", KUAISHOU, columns, t.view, t.kind)]


def xiaohongshu(t: Text, r: Report) -> list[Table]:
    place, at = t.world.place, t.view.holder
    columns = [
        t.account_id,
        t.view.nick,
        t.name,
        obj(("PERSON", "INDIVIDUAL_BIZ", "COMPANY", "COOP"))[t.kind],
        t.uscc,
        person_documents(t),
        t.phone,
        place.province[at],
        place.city[at],
        place.county[at],
        place.detail[at],
        t.people(t.view.streamer, "name"),
        t.people(t.view.streamer, "number"),
        t.relations(RELATIONS_CODE),
        t.payee_name,
        t.payee_account,
        glue(t.date("verified"), "T10:00:00+08:00"),
        obj(("ACTIVE", "LIMITED", "CLOSED"))[t.view.status],
        np.full(rows(t), r.iso, dtype=object),
    ]
    return [table("", XIAOHONGSHU, columns, t.view, t.kind)]


def weipaitang(t: Text, r: Report) -> list[Table]:
    n, v = rows(t), t.view
    one, two = v.streamer, v.second
    company, sole = np.isin(t.kind, (ENTERPRISE, COOP)), t.kind == SOLE
    agency = t.agency
    columns = [
        np.full(n, r.iso, dtype=object),
        t.account_id,
        v.nick,
        t.url,
        either(v.account % 5 == 0, "shop", "live"),
        t.date("opened"),
        obj(("normal", "frozen", "closed"))[v.status],
        t.accounts.followers[v.account].astype(object),
        obj(("person", "individual", "company", "coop"))[t.kind],
        t.name,
        t.uscc,
        either(company, None, "居民身份证"),
        person_documents(t),
        either(company, t.person_name, None),
        either(sole, t.person_name, None),
        either(sole, t.person_number, None),
        t.person_name,
        t.phone,
        t.address,
        t.people(one, "name"),
        t.people(one, "number"),
        t.people(one, "phone"),
        t.relations(RELATIONS_CODE),
        agency,
        t.people(two, "name"),
        t.people(two, "number"),
        t.people(two, "phone"),
        either(two < 0, None, "employee"),
        blank(n),
        agency,
        t.agency_uscc,
        t.payee_name,
        t.payee_account,
        t.bank,
    ]
    return [table("", WEIPAITANG, columns, v, t.kind, first_row=1, fixed=True)]
