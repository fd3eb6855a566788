"""The TRANSFER family: one row per account and code, with a sentence and the rows it rests on."""

from __future__ import annotations

import json

import pandas as pd

from zp_registry.flags.changes import control_changes
from zp_registry.flags.circle import Circle
from zp_registry.flags.evidence import COLUMNS, evidence_rows, explained, none, shown, standing
from zp_registry.flags.rulebook import Rulebook, level
from zp_registry.flags.sharing import SharingRules, shared_on
from zp_registry.flags.signals import age_flags, dormant_flags, many_accounts_flags, several_hands_flags, two_subjects_flags
from zp_registry.flags.steps import contained
from zp_registry.frames import BUSINESS_KINDS, rows_among
from zp_registry.resolve.history import ACCOUNT


def transfer_flags(
    marks: pd.DataFrame, held: pd.DataFrame, doubts: pd.DataFrame, circle: Circle, dates: list[str], book: Rulebook
) -> pd.DataFrame:
    """The TRANSFER flags (COLUMNS) that the history of each account up to the last of ``dates`` gives by itself. ``marks``:
    steps with change marks; all accounts of a holder come together."""
    parts = [
        holder_flags(marks, circle, book),
        control_flags(marks, book),
        stranger_flags(marks, held, dates[-1], "payee_stranger", "PAYEE_STRANGER", book),
        stranger_flags(marks, held, dates[-1], "streamer_stranger", "STREAMER_STRANGER", book),
        dormant_flags(marks, held, book),
        several_hands_flags(marks, held, book, dates[-1]),
        two_subjects_flags(doubts, marks, held, book),
        many_accounts_flags(marks, held, circle, dates, book),
        age_flags(marks, held, dates, book),
    ]
    return pd.concat([p for p in parts if len(p)] or [none()], ignore_index=True)[list(COLUMNS)]


def holder_flags(marks: pd.DataFrame, circle: Circle, book: Rulebook) -> pd.DataFrame:
    """HOLDER_CHANGED and, when the former holder comes back, HOLDER_RETURNED."""
    rows = marks[marks["holder_changed"] & marks["innocent"].isna()].copy()
    if rows.empty:
        return none()
    declared = rows["held_from"].notna()
    mitigating = {
        "已注明新旧期间": declared,
        "平台已注明变更": (rows["info_status"] == "changed").fillna(False),
        "同姓同址": _same_home(rows),
    }
    rows["explained"] = explained(rows, mitigating)
    # Of several explanations the strongest counts: together they say no more than that the change was told.
    less = pd.concat([holds.astype(float) * book.less(name) for name, holds in mitigating.items()], axis=1).max(axis=1)
    rows["score"] = (
        book.weight("HOLDER_CHANGED")
        - less
        + book.more("电话同时更换") * rows["phone_changed"].astype(float)
        + book.more("收款人同时更换") * rows["payee_changed"].astype(float)
    ).round(4)
    rows["moved"] = ("，联系电话由" + rows["prev_phone_mask"] + "变为" + rows["phone_mask"]).where(
        rows["phone_changed"]
    ).fillna("") + ("，收款人由“" + rows["prev_payee_name"] + "”变为“" + rows["payee_name"] + "”").where(
        rows["payee_changed"]
    ).fillna("")
    rows["reason"] = (
        "账号的登记主体由“"
        + shown(rows["prev_subject_name"], rows["prev_id_mask"])
        + "”变为“"
        + shown(rows["subject_name"], rows["id_mask"])
        + "”（"
        + rows["prev_as_of"]
        + " → "
        + rows["as_of"]
        + "）"
        + rows["moved"]
        + declared.map({True: "；报表注明了新旧经营者的期间", False: ""})
        + "。依据："
        + rows["prev_place"]
        + "；"
        + rows["place"]
        + "。"
    )
    rows["evidence"] = evidence_rows(rows, "登记主体变为另一主体" + rows["moved"], previous=True)
    rows["other_entity_id"] = rows["prev_entity_id"]
    first = rows.groupby(ACCOUNT)["as_of"].transform("min")
    out = rows.assign(
        family="TRANSFER",
        code="HOLDER_CHANGED",
        status="open",
        level=level(rows["score"]),
        first_seen=first,
        last_seen=rows["as_of"],
    )
    out["evidence"] = out.groupby(ACCOUNT)["evidence"].transform(
        lambda s: json.dumps([e for text in s for e in json.loads(text)], ensure_ascii=False)
    )
    changed = out.drop_duplicates(ACCOUNT, keep="last")
    earlier = rows.merge(rows[[*ACCOUNT, "as_of", "prev_entity_id"]], on=ACCOUNT, suffixes=("", "_first"))
    back = earlier[(earlier["as_of_first"] < earlier["as_of"]) & (earlier["prev_entity_id_first"] == earlier["entity_id"])]
    back = back.drop_duplicates(ACCOUNT, keep="last")
    returned = back.assign(
        family="TRANSFER",
        code="HOLDER_RETURNED",
        status="open",
        level=level(pd.Series(book.weight("HOLDER_RETURNED"), index=back.index)),
        first_seen=back["as_of"],
        last_seen=back["as_of"],
        score=book.weight("HOLDER_RETURNED"),
        reason="账号的登记主体在 "
        + back["as_of_first"]
        + " 变更后，又于 "
        + back["as_of"]
        + " 变回“"
        + shown(back["subject_name"], back["id_mask"])
        + "”，疑似借名或过户未成。依据："
        + back["place"]
        + "。",
    )
    return pd.concat([changed[list(COLUMNS)], returned[list(COLUMNS)]], ignore_index=True)


def _same_home(rows: pd.DataFrame) -> pd.Series[bool]:
    """True where former and new holder are two persons with one family name at one address."""
    persons = ~rows["subject_kind"].isin(BUSINESS_KINDS) & ~rows["prev_subject_kind"].isin(BUSINESS_KINDS)
    family = (rows["subject_key"].str.slice(0, 1) == rows["prev_subject_key"].str.slice(0, 1)).fillna(False)
    home = rows["address_key"].str.len().ge(6).fillna(False) & (rows["address_key"] == rows["prev_address_key"]).fillna(False)
    return persons & family & home


def control_flags(marks: pd.DataFrame, book: Rulebook) -> pd.DataFrame:
    """CONTROL_CHANGED: the holder stays, the hands change."""
    rule = book.rules["CONTROL_CHANGED"]
    rows = control_changes(marks, rule.window, rule.least)
    if rows.empty:
        return none()
    rows = rows.copy()
    rows["score"] = (
        rule.weight
        + book.more("又换一项") * (rows["kinds"] - rule.least)
        + book.more("收款人为陌生人") * rows["payee_stranger"].astype(float)
    ).round(4)
    rows["explained"] = pd.Series(pd.NA, index=rows.index, dtype="str")
    what = (
        ("；联系电话 " + rows["prev_phone_mask"].fillna("") + "→" + rows["phone_mask"].fillna("")).where(
            rows["phone_changed"], ""
        )
        + ("；收款人 " + rows["prev_payee_name"].fillna("") + "→" + rows["payee_name"].fillna("")).where(
            rows["payee_changed"], ""
        )
        + ("；主播 " + rows["prev_streamer_names"].fillna("") + "→" + rows["streamer_names"].fillna("")).where(
            rows["streamer_changed"], ""
        )
    )
    rows["what"] = what.str.slice(1)
    rows["evidence"] = evidence_rows(rows, rows["what"], previous=True)
    rows["reason"] = (
        "登记主体“"
        + shown(rows["subject_name"], rows["id_mask"])
        + "”未变，但自 "
        + rows["since"]
        + " 起，电话、收款账户、主播中有"
        + rows["kinds"].astype("str")
        + "项换人："
        + rows["what"]
        + "。依据："
        + rows["prev_place"]
        + "；"
        + rows["place"]
        + "。"
    )
    first = rows.groupby(ACCOUNT)["as_of"].transform("min")
    best = rows.assign(first_seen=first).sort_values([*ACCOUNT, "kinds", "as_of"]).drop_duplicates(ACCOUNT, keep="last")
    return best.assign(
        family="TRANSFER",
        code="CONTROL_CHANGED",
        status="open",
        level=level(best["score"]),
        other_entity_id=None,
        last_seen=best["as_of"],
    )[list(COLUMNS)]


def stranger_flags(marks: pd.DataFrame, held: pd.DataFrame, on: str, mark: str, code: str, book: Rulebook) -> pd.DataFrame:
    """PAYEE_STRANGER, STREAMER_STRANGER: high when the stranger took the place of somebody known, low when it
    always stood so."""
    kind = mark.removesuffix("_stranger")
    rows = marks[marks[mark]].copy()
    if rows.empty:
        return none()
    came = marks[f"{kind}_changed"] & marks[mark] & ~(marks["holder_changed"] & marks["innocent"].isna())
    spell = (~marks[mark]).groupby([marks[c] for c in ACCOUNT]).cumsum()
    rows["spell"] = spell[rows.index]
    rows["came"] = came.groupby([marks[c] for c in ACCOUNT] + [spell]).transform("max")[rows.index]
    known = marks[marks[kind_column(kind)].notna()].drop_duplicates(ACCOUNT, keep="last").set_index(ACCOUNT)[mark]
    grouped = [*ACCOUNT, "spell"]
    rows["first_seen"] = rows.groupby(grouped)["as_of"].transform("min")
    rows["last_seen"] = rows.groupby(grouped)["as_of"].transform("max")
    last = rows.sort_values([*ACCOUNT, "came", "spell", "as_of"]).drop_duplicates([*ACCOUNT, "spell"], keep="first")
    last = last.sort_values([*ACCOUNT, "came", "spell"]).drop_duplicates(ACCOUNT, keep="last")
    index = pd.MultiIndex.from_frame(last[ACCOUNT])
    ongoing = known.reindex(index).fillna(False).to_numpy(dtype=bool) & (
        last["last_seen"] == last.groupby(ACCOUNT)["last_seen"].transform("max")
    )
    gone = held[held["valid_to"].isna()].set_index(ACCOUNT).index
    last["status"] = pd.Series("open", index=last.index).where(ongoing & index.isin(gone), "resolved")
    agency = last["agency_key"].notna()
    hires = (last["subject_kind"] == "sole_proprietor") & last["came"].astype(bool) & (kind == "streamer")
    told_other = contained(last["streamers"], last["others"]) & (kind == "streamer")
    hires &= ~told_other
    causes = {"已申报机构": agency, "个体工商户可雇人出镜": hires, "一直如此，未见更换": ~last["came"].astype(bool)}
    last["explained"] = explained(last, causes)
    less = sum((holds.astype(float) * book.less(name) for name, holds in causes.items()), start=pd.Series(0.0, last.index))
    weight = book.weight(code)
    more = book.more("报表注明为其他关系") * (told_other & ~last["came"].astype(bool)).astype(float)
    last["score"] = (last["came"].map({True: weight, False: weight / 2}).astype(float) - less + more).round(4)
    name = last["payee_name"] if kind == "payee" else last["streamer_names"]
    before = last["prev_payee_name"] if kind == "payee" else last["prev_streamer_names"]
    verb = "收款人" if kind == "payee" else "出镜人员"
    what = verb + ("由“" + before.fillna("") + "”变为“").where(last["came"], "为“") + name.fillna("") + "”"
    last["evidence"] = evidence_rows(last, what, previous=True)
    last["reason"] = (
        what
        + "，与登记主体“"
        + shown(last["subject_name"], last["id_mask"])
        + "”及其法定代表人、经营者均不相符（自 "
        + last["first_seen"]
        + " 起）。依据："
        + last["place"]
        + "。"
    )
    return last.assign(family="TRANSFER", code=code, level=level(last["score"]), other_entity_id=None)[list(COLUMNS)]


def kind_column(kind: str) -> str:
    """The column that tells whether a report said anything about the payee or the streamers."""
    return "payee_key" if kind == "payee" else "streamers"


def sharing_flags(
    shown: pd.DataFrame, things: pd.DataFrame, held: pd.DataFrame, dates: list[str], rules: SharingRules, book: Rulebook
) -> pd.DataFrame:
    """SHARED_PAYEE, SHARED_PHONE, SHARED_STREAMER, SHARED_ADDRESS, FAR_ADDRESS: state flags, told again at each report date.
    ``shown``, ``things``: of Sharing.gathered."""
    if things.empty:
        return none()
    held = held[rows_among(held, ACCOUNT, shown[ACCOUNT])]
    rows = pd.concat([shared_on(shown, things, held, on).assign(on=on) for on in dates], ignore_index=True)
    if rows.empty:
        return none()
    out = standing(rows, ["code", *ACCOUNT], dates)
    weight = out["code"].map(book.weight).astype(float)
    # An address, however many share it, is never more than a hint: whole villages and markets have one.
    thing_moves = ~out["code"].isin(["SHARED_ADDRESS", "FAR_ADDRESS"])
    many = (out["people"] >= rules.strong) & thing_moves
    weak = out["weak"].astype(bool)
    lowered = weight.clip(upper=0.4)
    out["score"] = (weight + 0.25 * many.astype(float)).mask(weak, lowered).clip(upper=1).round(4)
    out["explained"] = explained(out, {"共用者多为登记的经营主体": weak})
    named = {"SHARED_PAYEE": "payee_name", "SHARED_PHONE": "phone_mask", "SHARED_STREAMER": "streamer_names",
             "SHARED_ADDRESS": "business_address", "FAR_ADDRESS": "business_address"}  # fmt: skip
    thing = pd.Series([r[named[r["code"]]] for r in out.to_dict("records")], index=out.index, dtype="str").fillna("")
    verb = out["code"].map({"SHARED_PAYEE": "收款账户（", "SHARED_PHONE": "联系电话（", "SHARED_STREAMER": "出镜人员（",
                             "SHARED_ADDRESS": "经营地址（", "FAR_ADDRESS": "县外地址（"})
    out["reason"] = (
        verb
        + thing
        + "）同时出现在 "
        + out["holders"].astype("str")
        + " 个互无关联主体的账号上（自 "
        + out["first_seen"]
        + " 起）。依据："
        + out["place"]
        + "。"
    )
    out["evidence"] = evidence_rows(out, verb + thing + "）由" + out["holders"].astype("str") + "个主体共用", previous=False)
    return out.assign(family="TRANSFER", level=level(out["score"]), other_entity_id=None)[list(COLUMNS)]
