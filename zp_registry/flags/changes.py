"""Changes on one account: another holder, or the same holder with other hands on the phone, the money and the camera."""

from __future__ import annotations

from operator import ne

import numpy as np
import pandas as pd

from zp_registry.flags.circle import Circle
from zp_registry.flags.steps import apart, contained, within
from zp_registry.frames import BUSINESS_KINDS
from zp_registry.resolve.history import ACCOUNT
from zp_registry.resolve.subjects import masks_fit


def change_marks(steps: pd.DataFrame, circle: Circle) -> pd.DataFrame:
    """``steps`` with booleans ``holder_changed, phone_changed, payee_changed, streamer_changed, payee_stranger,
    streamer_stranger``."""
    out = steps.copy()
    entity, business = out["entity_id"], out["subject_kind"].isin(BUSINESS_KINDS)
    out["holder_changed"] = out["prev_entity_id"].notna() & (out["prev_entity_id"] != entity)
    out["phone_changed"] = (
        apart(out["prev_phones"], out["phones"]) & ~circle.lent(out["phones"]) & ~circle.lent(out["prev_phones"])
    )
    own_payee = circle.owns(entity, out["payee_key"])
    home_payee = circle.lives_with(entity, out["payee_key"])
    declared_payee = within(out["payee_key"], out["declared"])
    collects = out["payee_hash"].isin(list(circle.collectors))
    out["payee_stranger"] = out["payee_key"].notna() & ~own_payee & ~home_payee & ~declared_payee & ~collects
    other_name = out["prev_payee_key"].notna() & out["payee_key"].notna() & (out["prev_payee_key"] != out["payee_key"])
    other_number = out["prev_payee_hash"].notna() & out["payee_hash"].notna() & (out["prev_payee_hash"] != out["payee_hash"])
    unnamed = out["payee_key"].isna() | out["prev_payee_key"].isna()
    out["payee_changed"] = ((other_name & ~own_payee & ~home_payee) | (other_number & unnamed)) & ~collects
    out["streamer_changed"] = apart(out["prev_streamers"], out["streamers"]) & ~_all_declared(out)
    alone = out["streamers"].notna() & ~business
    known = _all_declared(out) | _home_streamers(out["entity_id"], out["streamers"], circle)
    out["streamer_stranger"] = (alone & ~known) | _shop_left_to_stranger(out, known, circle)
    out["innocent"] = _innocent(out[out["holder_changed"]], circle).reindex(out.index).astype("str")
    return out


def _all_declared(rows: pd.DataFrame) -> pd.Series[bool]:
    return contained(rows["streamers"], rows["declared"])


def _shop_left_to_stranger(rows: pd.DataFrame, known: pd.Series[bool], circle: Circle) -> pd.Series[bool]:
    """True for a sole proprietor's account from the report on in which an undeclared stranger stands where its own or declared
    people stood, until they are back. A shop that always had other people on camera has staff, and is no lead."""
    before = _home_streamers(rows["prev_entity_id"], rows["prev_streamers"], circle) | (
        rows["prev_declared"].notna() & (rows["prev_declared"] == rows["prev_streamers"]).fillna(False)
    )
    shop = rows["subject_kind"] == "sole_proprietor"
    taken = shop & rows["streamer_changed"] & before & ~known & ~rows["holder_changed"]
    marks = pd.Series(pd.NA, index=rows.index, dtype="boolean").mask(known | rows["holder_changed"], False).mask(taken, True)
    return marks.groupby([rows[c] for c in ACCOUNT]).ffill().fillna(False).astype(bool)


def _home_streamers(entity: pd.Series[str], streamers: pd.Series[str], circle: Circle) -> pd.Series[bool]:
    """True where one of the ``;``-joined people on camera belongs to the entity or lives with it."""
    asked = pd.DataFrame({"entity_id": entity, "streamers": streamers})
    pairs = asked.dropna().drop_duplicates()  # the same people stand there month after month
    names = pairs.assign(name=pairs["streamers"].str.split(";")).explode("name").astype({"name": "str"})
    home = circle.owns(names["entity_id"], names["name"]) | circle.lives_with(names["entity_id"], names["name"])
    known = names[home.to_numpy()][["entity_id", "streamers"]].drop_duplicates().assign(home=True)
    found = asked.merge(known, on=["entity_id", "streamers"], how="left")["home"]
    return found.astype("boolean").fillna(False).astype(bool).set_axis(entity.index)


def _innocent(rows: pd.DataFrame, circle: Circle) -> pd.Series[str]:
    """Why a change of holder (``rows``: those that show one) is no transfer (Chinese), or NA.

    The person's own sole proprietorship; the same person or firm whose number was masked, corrected or is missing; a firm that
    the former holder runs, or is the legal representative of at the time.
    """
    group = circle.shops
    linked = rows["entity_id"].map(group) == rows["prev_entity_id"].map(group)
    same_name = (rows["subject_key"] == rows["prev_subject_key"]).fillna(False)
    fits = masks_fit(rows["id_mask"], rows["prev_id_mask"])
    ran_before = circle.owns(rows["entity_id"], rows["prev_subject_key"])
    runs_now = circle.owns(rows["prev_entity_id"], rows["subject_key"])
    shares = ~apart(rows["prev_phones"], rows["phones"]) | (rows["prev_payee_key"] == rows["payee_key"]).fillna(False)
    # A person who registers a firm keeps phone and payee account; a buyer brings his own.
    upgrade = (rows["prev_subject_kind"] == "natural_person").fillna(False) & rows["subject_kind"].isin(BUSINESS_KINDS)
    paid = rows["prev_payee_key"].notna() & rows["payee_key"].notna()
    kept = (paid | (rows["prev_phones"] == rows["phones"]).fillna(False)) & (
        (rows["prev_payee_hash"] == rows["payee_hash"]) | (rows["prev_payee_key"] == rows["payee_key"])
    ).fillna(False)
    same_person = (rows["operator_key"] == rows["prev_operator_key"]).fillna(False) | (
        rows["legal_key"] == rows["prev_legal_key"]
    ).fillna(False)
    out = pd.Series(pd.NA, index=rows.index, dtype="str")
    out = out.mask(same_person & shares, "经营者或法定代表人未变")
    out = out.mask((ran_before | runs_now) & shares, "前后主体为同一经营者（个转企、转个体或转为本人经营）")
    out = out.mask(upgrade & kept, "自然人转为企业或个体工商户，电话和收款账户未变")
    out = out.mask(same_name & fits & shares, "名称相同，证件号码脱敏、缺失或已更正")
    # Somebody takes another given name: what is visible of the number stays, and so do phone and payee account.
    shown = rows["id_mask"].notna() & rows["prev_id_mask"].notna()
    persons = ~rows["subject_kind"].isin(BUSINESS_KINDS) & ~rows["prev_subject_kind"].isin(BUSINESS_KINDS)
    family = (rows["subject_key"].str.slice(0, 1) == rows["prev_subject_key"].str.slice(0, 1)).fillna(False)
    still = ~apart(rows["prev_phones"], rows["phones"]) & ~apart(rows["prev_payee_hash"], rows["payee_hash"])
    same_thing = (rows["prev_phones"] == rows["phones"]) | (rows["prev_payee_hash"] == rows["payee_hash"])
    renamed = persons & family & shown & fits & still & same_thing.fillna(False)
    out = out.mask(renamed, "改名：证件号码可见部分、电话和收款账户未变")
    # A slip in a name is corrected; its number was no number: one character, and all that a buyer would bring along is as
    # before.
    unread = rows["number"].isna() | rows["prev_number"].isna()
    every_thing = (rows["prev_phones"] == rows["phones"]) & (rows["prev_payee_hash"] == rows["payee_hash"])
    slip = persons & unread & every_thing.fillna(False)
    slip &= _one_character(rows["subject_key"].where(slip), rows["prev_subject_key"].where(slip))
    out = out.mask(slip, "更正笔误：姓名仅一字之差，电话和收款账户未变")
    # A firm takes another name while its code is masked: the digits that are visible stay, and so does what is its own.
    firms = rows["subject_kind"].isin(BUSINESS_KINDS) & rows["prev_subject_kind"].isin(BUSINESS_KINDS)
    hidden = _visible(rows["number"], rows["prev_number"]) & masks_fit(rows["number"], rows["prev_number"])
    renamed = firms & hidden & (same_thing.fillna(False) | same_person)
    out = out.mask(renamed, "企业更名：信用代码可见部分及电话、收款账户或负责人未变")
    led = circle.leads(rows["prev_entity_id"], rows["entity_id"], rows["as_of"])
    led |= circle.leads(rows["entity_id"], rows["prev_entity_id"], rows["prev_as_of"])
    out = out.mask(led, "自然人与其任法定代表人的企业")
    if circle.reviewed:
        both = pd.MultiIndex.from_frame(rows[["entity_id", "prev_entity_id"]])
        out = out.mask(both.isin(list(circle.reviewed)), "经人工复核，关系正当")
    return out.mask(linked.fillna(False), "本人登记的个体工商户")


def _one_character(left: pd.Series[str], right: pd.Series[str]) -> pd.Series[bool]:
    """True where two names of one length differ in one character."""
    both = left.notna() & right.notna()
    out = pd.Series(False, index=left.index)
    pairs = zip(left[both], right[both], strict=True)
    out[both] = np.array([len(a) == len(b) and sum(map(ne, a, b)) == 1 for a, b in pairs], dtype=bool)
    return out


def _visible(left: pd.Series[str], right: pd.Series[str]) -> pd.Series[bool]:
    """True where one of two numbers is masked and both show at least ten characters, four of them at the end: firms of one
    county begin alike."""
    out = left.str.contains("*", regex=False).fillna(False) | right.str.contains("*", regex=False).fillna(False)
    for numbers in (left, right):
        shown = numbers.str.replace("*", "", regex=False).str.len() >= 10
        out &= shown.fillna(False) & numbers.str.contains(r"[^*]{4}$", regex=True).fillna(False)
    return out.astype(bool)


def control_changes(marks: pd.DataFrame, window: int, least: int) -> pd.DataFrame:
    """Rows on which, with the holder unchanged, ``least`` of phone, payee and streamer have changed within ``window`` days (a
    takeover is often staggered: the phone in one month, the payee in the next);
    adds ``kinds`` (how many) and ``since`` (date of the first of them)."""
    spell = (marks["holder_changed"] & marks["innocent"].isna()).groupby([marks[c] for c in ACCOUNT]).cumsum()
    keys = [marks[c] for c in ACCOUNT] + [spell]
    day = pd.to_datetime(marks["as_of"])
    recent = {}
    for kind in ("phone", "payee", "streamer"):
        last = day.where(marks[f"{kind}_changed"] & ~(marks["holder_changed"] & marks["innocent"].isna())).groupby(keys).ffill()
        recent[kind] = last.where((day - last).dt.days <= window)
    table = pd.DataFrame(recent)
    out = marks.assign(kinds=table.notna().sum(axis=1), since=table.min(axis=1).dt.strftime("%Y-%m-%d"))
    changed_now = marks["phone_changed"] | marks["payee_changed"] | marks["streamer_changed"]
    return out[(out["kinds"] >= least) & changed_now]
