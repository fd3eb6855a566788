"""Further signs from the reports, one function a rule: each gives rows of transfers.COLUMNS."""

from __future__ import annotations

import pandas as pd

from zp_registry.flags.circle import Circle
from zp_registry.flags.evidence import COLUMNS, evidence_rows, none, shown, standing
from zp_registry.flags.rulebook import Rulebook, level
from zp_registry.frames import BUSINESS_KINDS, among, looked_up
from zp_registry.resolve.history import ACCOUNT


def dormant_flags(marks: pd.DataFrame, held: pd.DataFrame, book: Rulebook) -> pd.DataFrame:
    """DORMANT_RETURNED: the account was gone for long, and came back with another holder or other hands."""
    spells = held.sort_values([*ACCOUNT, "valid_from"])
    before = spells.groupby(ACCOUNT)["valid_to"].shift(1)
    away = (pd.to_datetime(spells["valid_from"]) - pd.to_datetime(before)).dt.days
    back = spells[away >= book.rules["DORMANT_RETURNED"].window]
    if back.empty:
        return none()
    back = back.assign(gone=before[back.index], as_of=back["valid_from"])[[*ACCOUNT, "as_of", "gone"]]
    rows = marks.merge(back, on=[*ACCOUNT, "as_of"])
    other = rows["holder_changed"] & rows["innocent"].isna()
    hands = [
        rows["phone_changed"],
        rows["payee_changed"] | (rows["payee_stranger"] & ~rows["prev_payee_known"]),
        rows["streamer_changed"] & rows["streamer_stranger"],
    ]
    kinds = sum((h.astype("int64") for h in hands), start=pd.Series(0, index=rows.index))
    rows = rows[other | (kinds >= 2)].copy()
    if rows.empty:
        return none()
    rows["score"] = book.weight("DORMANT_RETURNED")
    what = "停用后重新出现：" + rows["prev_subject_name"].fillna("") + "→" + rows["subject_name"].fillna("")
    rows["evidence"] = evidence_rows(rows, what, previous=True)
    rows["reason"] = (
        "账号自 " + rows["gone"] + " 起消失，至 " + rows["as_of"] + " 重新出现时"
        + other[rows.index].map({True: "登记主体已由“", False: "登记主体未变（“"})
        + rows["prev_subject_name"].fillna("（未报名称）")
        + other[rows.index].map({True: "”变为“", False: "”），现为“"})
        + shown(rows["subject_name"], rows["id_mask"]) + "”，电话、收款人或主播也已换人的 "
        + kinds[rows.index].astype("str") + " 项。依据：" + rows["prev_place"].fillna("") + "；" + rows["place"] + "。"
    )  # fmt: skip
    last = rows.sort_values("as_of").drop_duplicates(ACCOUNT, keep="last")
    return _events(last, "DORMANT_RETURNED", other_entity=last["prev_entity_id"].where(other[last.index]))


def several_hands_flags(marks: pd.DataFrame, held: pd.DataFrame, book: Rulebook, on: str) -> pd.DataFrame:
    """SEVERAL_HANDS: within the window so many different undeclared people stood before the camera of one person's account."""
    rule = book.rules["SEVERAL_HANDS"]
    rows = marks[marks["streamer_stranger"] & ~marks["subject_kind"].isin(BUSINESS_KINDS)]
    if rows.empty:
        return none()
    names = rows[[*ACCOUNT, "entity_id", "as_of", "streamers"]].assign(name=rows["streamers"].str.split(";")).explode("name")
    pairs = names.merge(names[[*ACCOUNT, "entity_id", "as_of", "name"]], on=[*ACCOUNT, "entity_id"], suffixes=("", "_was"))
    days = (pd.to_datetime(pairs["as_of"]) - pd.to_datetime(pairs["as_of_was"])).dt.days
    near = pairs[days.between(0, rule.window)]
    keys = [*ACCOUNT, "as_of"]
    count = near.groupby(keys)["name_was"].nunique()
    # Two people who stand there together, month after month, are a couple or a team, not many hands.
    teams = near.groupby(keys)["as_of_was"].nunique()
    several = pd.DataFrame({"people": count, "dates": teams}).reset_index()
    several = several[(several["people"] >= rule.least) & (several["dates"] >= 2)]
    if several.empty:
        return none()
    out = marks.merge(several, on=keys)
    out["first_seen"] = out.groupby(ACCOUNT)["as_of"].transform("min")
    out = out.drop_duplicates(ACCOUNT, keep="last")
    newest = looked_up(out, ACCOUNT, marks.groupby(ACCOUNT)["as_of"].max())
    out = out.assign(score=book.weight("SEVERAL_HANDS"))
    out["status"] = pd.Series("open", index=out.index).where((out["as_of"] == newest) & _held(out, held), "resolved")
    people = out["people"].astype("int64").astype("str")
    out["evidence"] = evidence_rows(out, "先后出镜的陌生人共" + people + "人", previous=True)
    out["reason"] = (
        "自然人“" + shown(out["subject_name"], out["id_mask"]) + "”的账号在 " + str(rule.window) + " 天内先后由 " + people
        + " 名未申报关系的人出镜，最近为“" + out["streamer_names"].fillna("") + "”。依据：" + out["place"] + "。"
    )  # fmt: skip
    return _finished(out.assign(last_seen=out["as_of"]), "SEVERAL_HANDS")


def two_subjects_flags(doubts: pd.DataFrame, steps: pd.DataFrame, held: pd.DataFrame, book: Rulebook) -> pd.DataFrame:
    """TWO_SUBJECTS: one report names two subjects for one account and marks neither as a change."""
    rows = doubts[doubts["code"] == "HOLDERS_SEVERAL"]
    if rows.empty:
        return none()
    first = rows.groupby(ACCOUNT)["as_of"].min()
    out = rows.sort_values("as_of").drop_duplicates(ACCOUNT, keep="last").copy()
    out["first_seen"] = looked_up(out, ACCOUNT, first)
    newest = looked_up(out, ACCOUNT, steps.groupby(ACCOUNT)["as_of"].max())
    out["status"] = pd.Series("open", index=out.index).where((out["as_of"] >= newest) & _held(out, held), "resolved")
    out["score"] = book.weight("TWO_SUBJECTS")
    out["evidence"] = evidence_rows(out, out["why"].astype("str"), previous=False)
    out["reason"] = "同一报送中该账号列有不止一个主体，均未注明变更和期间。依据：" + out["place"] + "。"
    return _finished(out.assign(last_seen=out["as_of"]), "TWO_SUBJECTS")


def many_accounts_flags(
    steps: pd.DataFrame, held: pd.DataFrame, circle: Circle, dates: list[str], book: Rulebook
) -> pd.DataFrame:
    """MANY_ACCOUNTS: a natural person holds so many accounts on one platform; open while it is so."""
    least = book.rules["MANY_ACCOUNTS"].least
    persons = held[among(held["entity_id"], steps.loc[~steps["subject_kind"].isin(BUSINESS_KINDS), "entity_id"])]
    most = persons.groupby(["platform", "entity_id"])["account_id"].nunique()
    often = most[most >= least].reset_index()[["platform", "entity_id"]]
    if often.empty:
        return none()
    spells = persons.merge(often, on=["platform", "entity_id"])
    parts = []
    for on in dates:
        now = spells[(spells["valid_from"] <= on) & (spells["valid_to"].isna() | (spells["valid_to"] > on))]
        n = now.groupby(["platform", "entity_id"])["account_id"].transform("nunique")
        parts.append(now[n >= least].assign(n=n, on=on))
    rows = pd.concat(parts, ignore_index=True)
    if rows.empty:
        return none()
    last = standing(rows, ACCOUNT, dates)[[*ACCOUNT, "n", "first_seen", "last_seen", "status"]]
    out = steps.drop_duplicates(ACCOUNT, keep="last").merge(last, on=ACCOUNT)
    out["score"] = book.weight("MANY_ACCOUNTS")
    n_text = out["n"].astype("int64").astype("str")
    out["evidence"] = evidence_rows(out, "同一人在本平台持有" + n_text + "个账号", previous=False)
    out["reason"] = (
        "“" + shown(out["subject_name"], out["id_mask"]) + "”在该平台持有 " + n_text + " 个账号（自 " + out["first_seen"]
        + " 起）。依据：" + out["place"] + "。"
    )  # fmt: skip
    return _finished(out, "MANY_ACCOUNTS")


def age_flags(steps: pd.DataFrame, held: pd.DataFrame, dates: list[str], book: Rulebook) -> pd.DataFrame:
    """HOLDER_AGE: a person, or whoever runs a sole proprietorship, is surely too young or very old for running an account, by
    the year of birth of a whole number."""
    rule = book.rules["HOLDER_AGE"]
    people = steps[~steps["subject_kind"].isin(["enterprise", "cooperative"])]
    # A number that this account shows masked may stand whole on another of the same holder.
    born = people.loc[people["birth_year"].notna(), ["entity_id", "as_of", "birth_year"]]
    born = born.sort_values("as_of", kind="stable").drop_duplicates("entity_id", keep="last")
    # Whoever is of age on the first of the dates and not yet old on the last is so on all of them.
    year = born["birth_year"].astype("int64")
    born = born[(int(dates[0][:4]) - year < rule.younger) | (int(dates[-1][:4]) - year > rule.older + 1)]
    people = people[among(people["entity_id"], born["entity_id"])]
    people = people.drop_duplicates([*ACCOUNT, "entity_id"], keep="last").drop(columns="birth_year")
    people = people.merge(born[["entity_id", "birth_year"]], on="entity_id")
    spells = held.merge(people, on=[*ACCOUNT, "entity_id"])
    parts = []
    for on in dates:
        now = spells[(spells["valid_from"] <= on) & (spells["valid_to"].isna() | (spells["valid_to"] > on))]
        years = int(on[:4]) - now["birth_year"].astype("int64")  # the age, or one more
        parts.append(now.assign(years=years, on=on)[(years < rule.younger) | (years > rule.older + 1)])
    rows = pd.concat(parts, ignore_index=True)
    if rows.empty:
        return none()
    out = standing(rows, ACCOUNT, dates).assign(score=rule.weight)
    young = out["years"] < rule.younger
    what = young.map({True: f"未满{rule.younger}周岁", False: f"超过{rule.older}周岁"}).astype("str")
    out["evidence"] = evidence_rows(out, what, previous=False)
    out["reason"] = (
        "登记的“" + shown(out["subject_name"], out["id_mask"]) + "”" + what + "（" + out["birth_year"] + " 年出生），自 "
        + out["first_seen"] + " 起持有该账号，可能由他人实际经营。依据：" + out["place"] + "。"
    )  # fmt: skip
    return _finished(out, "HOLDER_AGE")


def _held(rows: pd.DataFrame, held: pd.DataFrame) -> pd.Series[bool]:
    now = held.loc[held["valid_to"].isna(), ACCOUNT].drop_duplicates()
    return (
        rows[ACCOUNT]
        .merge(now.assign(there=True), on=ACCOUNT, how="left")["there"]
        .astype("boolean")
        .fillna(False)
        .astype(bool)
        .set_axis(rows.index)
    )


def _events(rows: pd.DataFrame, code: str, other_entity: pd.Series[str]) -> pd.DataFrame:
    return _finished(rows.assign(first_seen=rows["as_of"], last_seen=rows["as_of"], status="open"), code, other_entity)


def _finished(rows: pd.DataFrame, code: str, other_entity: pd.Series[str] | None = None) -> pd.DataFrame:
    blank = pd.Series(pd.NA, index=rows.index, dtype="str")
    return rows.assign(
        family="TRANSFER", code=code, level=level(rows["score"]), explained=blank,
        other_entity_id=blank if other_entity is None else other_entity,
    )[list(COLUMNS)]  # fmt: skip
