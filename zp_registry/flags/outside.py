"""Signs from outside the reports: the licence register, call results, platforms' risk marks, blacklists, tips."""

from __future__ import annotations

import pandas as pd

from zp_registry.flags.circle import Circle
from zp_registry.flags.evidence import COLUMNS, evidence_rows, none, shown
from zp_registry.flags.rulebook import Rulebook, level
from zp_registry.frames import BUSINESS_KINDS, looked_up
from zp_registry.resolve import Resolved
from zp_registry.resolve.history import ACCOUNT
from zp_registry.workdays import deadlines

_SAID = {
    "cancelled": "已注销", "revoked": "已吊销", "deceased": "经营者已死亡", "denies": "否认自己经营", "unreachable": "联系不上",
    "face_failed": "实人核验未通过", "remote_device": "异地设备登录", "blacklist": "列入黑名单",
    "dishonest": "列入严重违法失信名单",
    "tip": "举报",
}  # fmt: skip
_CODES = {
    ("licence", "cancelled"): "LICENCE_ENDED", ("licence", "revoked"): "LICENCE_ENDED",
    ("licence", "deceased"): "LICENCE_ENDED",
    ("call", "denies"): "HOLDER_DENIES", ("call", "unreachable"): "HOLDER_UNREACHABLE",
    ("risk", "face_failed"): "RISK_MARK", ("risk", "remote_device"): "RISK_MARK",
    ("blacklist", "blacklist"): "BLACKLISTED", ("blacklist", "dishonest"): "BLACKLISTED", ("tip", "tip"): "TIP",
}  # fmt: skip


# What of a step is asked for here.
SAID = ("entity_id", "subject_kind", "subject_key", "subject_name", "phones", "payee_hash", "account_status")


def outside_flags(
    notices: pd.DataFrame, said: list[pd.DataFrame], resolved: Resolved, circle: Circle, on: str, book: Rulebook
) -> pd.DataFrame:
    """TRANSFER flags of the accounts that ``notices`` (one line per matter, none later than ``on``) speak of, and DATA flags
    where names differ from the licence register or an account is not known. ``said``: of each account the last step that said
    each thing (as_of, SAID)."""
    if notices.empty:
        return none()
    steps = pd.concat(said, ignore_index=True).sort_values([*ACCOUNT, "as_of"], ignore_index=True)
    codes = [_CODES.get(k) for k in zip(notices["topic"], notices["outcome"], strict=True)]
    lines = notices.assign(code=pd.Series(codes, index=notices.index, dtype="str"))
    entity = _entities(lines, steps, resolved)
    now = steps.drop_duplicates(ACCOUNT, keep="last")
    held = resolved.holdings[resolved.holdings["valid_to"].isna()][[*ACCOUNT, "entity_id", "valid_from"]]
    parts = [
        _about_accounts(lines, now, held, entity, on, book),
        _returned(lines, now, held, entity, circle, book),
        _names_differ(lines, resolved, steps, on, book),
        _unknown(lines, now, entity, on, book),
    ]
    return pd.concat([p for p in parts if len(p)] or [none()], ignore_index=True)[list(COLUMNS)]


def _entities(lines: pd.DataFrame, steps: pd.DataFrame, resolved: Resolved) -> pd.Series[str]:
    """index of ``lines`` → the entity whose number a line bears, or (a line without number) the only one of that business name
    or of that name and phone."""
    ids = resolved.identifiers
    by = {}
    for column, kind in (("uscc", "uscc"), ("id_hash", "id")):
        known = ids[ids["kind"] == kind].drop_duplicates("value", keep=False).set_index("value")["entity_id"]
        by[column] = lines[column].map(known).astype("str")
    out = by["uscc"].fillna(by["id_hash"])
    unnumbered = lines[out.isna() & lines["uscc"].isna() & lines["id_hash"].isna() & lines["subject_key"].notna()]
    names = steps[["entity_id", "subject_key", "subject_kind"]].drop_duplicates()
    firms = names[names["subject_kind"].isin(BUSINESS_KINDS)].drop_duplicates(["entity_id", "subject_key"])
    single = firms[~firms.duplicated("subject_key", keep=False)].set_index("subject_key")["entity_id"]
    out = out.fillna(unnumbered["subject_key"].map(single).reindex(out.index))
    phones = steps.dropna(subset=["phones", "subject_key"])[["entity_id", "subject_key", "phones"]].drop_duplicates()
    phones = phones.assign(phone_hash=phones["phones"].str.split(";")).explode("phone_hash").astype({"phone_hash": "str"})
    phones = phones[["entity_id", "subject_key", "phone_hash"]].drop_duplicates()
    phones = phones[~phones.duplicated(["subject_key", "phone_hash"], keep=False)]
    found = unnumbered.rename_axis("line").reset_index().merge(phones, on=["subject_key", "phone_hash"])
    return out.fillna(found.set_index("line")["entity_id"].reindex(out.index)).astype("str")


def _about_accounts(
    lines: pd.DataFrame, now: pd.DataFrame, held: pd.DataFrame, entity: pd.Series[str], on: str, book: Rulebook
) -> pd.DataFrame:
    """A line that names an account speaks of it alone, another of all accounts that its entity holds. A tip is answered by a
    call of that day or later that found the holder at work."""
    reached = (lines["topic"] == "call") & (lines["outcome"] == "reached")
    said = lines[lines["code"].notna() | reached].assign(about_entity=lambda f: entity.reindex(f.index))
    direct = said[said["account_id"].notna() & said["platform"].notna()]
    direct = direct.merge(held.rename(columns={"entity_id": "holder"}), on=ACCOUNT)
    mine = said[said["account_id"].isna()].drop(columns=ACCOUNT)
    mine = mine.merge(held.rename(columns={"entity_id": "holder"}), left_on="about_entity", right_on="holder")
    rows = pd.concat([direct, mine], ignore_index=True)
    # Whom the line speaks of no longer holds the account: then it says nothing of the one who does.
    rows = rows[rows["about_entity"].isna() | (rows["about_entity"] == rows["holder"])]
    answers = rows[rows["code"].isna() & (rows["happened_on"] >= rows["valid_from"])].groupby(ACCOUNT)["happened_on"].max()
    rows = rows[rows["code"].notna()]
    rows = rows.merge(now[[*ACCOUNT, "account_status"]], on=ACCOUNT, how="left")
    rows = rows[rows["account_status"].fillna("normal") != "closed"]
    if rows.empty:
        return none()
    late, _ = deadlines(rows["happened_on"], book.grace_days)
    licence = rows["code"] == "LICENCE_ENDED"
    rows["first_seen"] = rows["happened_on"].mask(licence, late)
    # A licence that ended before the account was taken up cannot be the platform's slowness.
    rows = rows[rows["first_seen"] <= on]
    windows = rows["code"].map({c: r.window for c, r in book.rules.items()}).astype("int64")
    age = (pd.Timestamp(on) - pd.to_datetime(rows["happened_on"])).dt.days
    rows["status"] = pd.Series("open", index=rows.index).where((windows == 0) | (age <= windows), "resolved")
    rows["first_seen"] = rows["first_seen"].where(rows["first_seen"] >= rows["valid_from"], rows["valid_from"])
    answered = looked_up(rows, ACCOUNT, answers)
    answered = answered.where((rows["code"] == "TIP") & (answered >= rows["happened_on"]).fillna(False))
    rows["status"] = rows["status"].mask(answered.notna(), "resolved")
    rows["explained"] = ("核查确认本人经营（" + answered + "）").astype("str")
    # Of several lines one that stands is told, and of these the newest.
    rows = rows.sort_values(["status", "happened_on"], ascending=[False, True]).drop_duplicates([*ACCOUNT, "code"], keep="last")
    return _told(rows, rows["outcome"].map(_SAID) + "（" + rows["happened_on"] + "）", on, book)


def _returned(
    lines: pd.DataFrame, now: pd.DataFrame, held: pd.DataFrame, entity: pd.Series[str], circle: Circle, book: Rulebook
) -> pd.DataFrame:
    """BLACKLISTED: the phone or payee account of somebody on a list stands on an account of another."""
    listed = lines[lines["code"] == "BLACKLISTED"].assign(about_entity=lambda f: entity.reindex(f.index))
    if listed.empty:
        return none()
    current = now.merge(held[[*ACCOUNT, "entity_id"]], on=[*ACCOUNT, "entity_id"])
    current = current[current["account_status"].fillna("normal") != "closed"]
    phones = current.dropna(subset=["phones"]).assign(token=lambda f: f["phones"].str.split(";")).explode("token")
    phones = phones[~phones["token"].isin(list(circle.agency_phones))].astype({"token": "str"})
    money = current[~current["payee_hash"].isin(list(circle.collectors))].assign(token=lambda f: f["payee_hash"])
    columns = [*ACCOUNT, "entity_id", "as_of", "token"]
    parts = []
    for rows, column, word in ((phones, "phone_hash", "联系电话"), (money, "payee_hash", "收款账户")):
        theirs = listed.dropna(subset=[column]).drop(columns=[*ACCOUNT]).rename(columns={column: "token"})
        parts.append(rows[columns].rename(columns={"as_of": "shown_on"}).merge(theirs, on="token").assign(thing=word))
    both = pd.concat(parts, ignore_index=True)
    both = both[(both["about_entity"] != both["entity_id"]).fillna(True)]
    if both.empty:
        return none()
    both["first_seen"] = both["happened_on"].where(both["happened_on"] >= both["shown_on"], both["shown_on"])
    both = both.rename(columns={"entity_id": "holder"}).sort_values([*ACCOUNT, "first_seen"]).drop_duplicates(ACCOUNT)
    what = both["thing"] + "与" + both["outcome"].map(_SAID) + "的“" + shown(both["subject_name"], both["id_mask"]) + "”相同"
    other = both["about_entity"]
    on = both["shown_on"].where(both["shown_on"] >= both["happened_on"], both["happened_on"])
    return _told(both.assign(status="open"), what, on, book).assign(other_entity_id=other.to_numpy())


def _told(rows: pd.DataFrame, what: pd.Series[str], last: str | pd.Series[str], book: Rulebook) -> pd.DataFrame:
    score = rows["code"].map(book.weight).astype("float64")
    blank = pd.Series(pd.NA, index=rows.index, dtype="str")
    place = (
        rows["file_name"]
        + (" › " + rows["sheet"]).where(rows["sheet"] != "", "")
        + (" › 第" + rows["row"].astype("str") + "行").where(rows["row"] > 0, "")
    )
    title = rows["code"].map({c: r.title for c, r in book.rules.items()})
    reason = title + "：" + what.fillna("") + ("；" + rows["remark"]).fillna("") + "。依据：" + place + "。"
    out = rows.assign(as_of=rows["happened_on"])
    return out.assign(
        family="TRANSFER", level=level(score), score=score, entity_id=rows["holder"], other_entity_id=blank,
        explained=rows.get("explained", blank), last_seen=last, reason=reason.astype("str"),
        evidence=evidence_rows(out, what, previous=False),
    )[list(COLUMNS)]  # fmt: skip


def _names_differ(lines: pd.DataFrame, resolved: Resolved, steps: pd.DataFrame, on: str, book: Rulebook) -> pd.DataFrame:
    """LICENCE_DIFFERS: a holder whose credit code the register has under another name than the newest report."""
    register = lines[(lines["topic"] == "licence") & lines["uscc"].notna() & lines["subject_key"].notna()]
    newest = steps[steps["subject_key"].notna()].sort_values(["as_of", *ACCOUNT]).drop_duplicates("entity_id", keep="last")
    known = (
        resolved.entities[["entity_id", "uscc"]].dropna().merge(newest[["entity_id", "subject_key", "subject_name", "as_of"]])
    )
    pairs = register.merge(known, on="uscc", suffixes=("", "_reported"))
    pairs = pairs[pairs["subject_key"] != pairs["subject_key_reported"]]
    if pairs.empty:
        return none()
    what = "平台报送“" + pairs["subject_name_reported"] + "”，登记为“" + pairs["subject_name"] + "”"
    return _data(pairs, "LICENCE_DIFFERS", pairs["entity_id"], what, on, book)


def _unknown(lines: pd.DataFrame, now: pd.DataFrame, entity: pd.Series[str], on: str, book: Rulebook) -> pd.DataFrame:
    """NOTICE_UNMATCHED: a line about an account (or a call to somebody) that the registry does not know."""
    asked = lines[lines["topic"].isin(["call", "risk", "tip"])].assign(about_entity=lambda f: entity.reindex(f.index))
    there = looked_up(asked, ACCOUNT, now.assign(there="1").set_index(ACCOUNT)["there"])
    lost = asked[there.isna() & asked["about_entity"].isna()]
    if lost.empty:
        return none()
    what = lost["account_id"].fillna(lost["subject_name"]).fillna("（未填）").astype("str")
    blank = pd.Series(pd.NA, index=lost.index, dtype="str")
    out = _data(lost, "NOTICE_UNMATCHED", blank, what, on, book)
    return out.assign(account_id="notice:" + lost["notice_id"].astype("str").to_numpy())


def _data(rows: pd.DataFrame, code: str, entity: pd.Series[str], what: pd.Series[str], on: str, book: Rulebook) -> pd.DataFrame:
    blank = pd.Series(pd.NA, index=rows.index, dtype="str")
    place = rows["file_name"] + (" › 第" + rows["row"].astype("str") + "行").where(rows["row"] > 0, "")
    out = rows.assign(as_of=rows["happened_on"])
    return out.assign(
        family="DATA", code=code, level="low", status="open", platform=blank, account_id=blank, entity_id=entity,
        other_entity_id=blank, first_seen=rows["happened_on"], last_seen=on, score=book.weight(code), explained=blank,
        reason=(book.rules[code].title + "：" + what + "。依据：" + place + "。").astype("str"),
        evidence=evidence_rows(out, what, previous=False),
    )[list(COLUMNS)]  # fmt: skip
