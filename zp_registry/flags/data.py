"""The DATA family: what the registry could not settle by itself."""

from __future__ import annotations

import json

import pandas as pd

from zp_registry.flags.codes import FLAG_CODES
from zp_registry.flags.evidence import COLUMNS
from zp_registry.frames import looked_up
from zp_registry.resolve.history import ACCOUNT


def data_flags(doubts: pd.DataFrame, matched: pd.DataFrame, last_seen: pd.Series[str], on: str) -> pd.DataFrame:
    """Doubts of the resolve stage (one flag per account and code; open while the account's newest report shows the doubt) and
    ledger rows that fit no entity. ``last_seen``: index (platform, account_id)."""
    parts = []
    if len(doubts):
        keys = ["code", *ACCOUNT]
        rows = doubts.sort_values([*keys, "as_of"])
        out = rows.drop_duplicates(keys, keep="last").copy()
        first = rows.groupby(keys)["as_of"].min()
        out["first_seen"] = looked_up(out, keys, first)
        newest = looked_up(out, ACCOUNT, last_seen)
        out["status"] = pd.Series("open", index=out.index).where((out["as_of"] == newest), "resolved")
        out["reason"] = (
            out["code"].map({c: v.title for c, v in FLAG_CODES.items()}) + "：" + out["why"] + "。依据：" + out["place"] + "。"
        )
        out["evidence"] = [
            json.dumps(
                [
                    {
                        "as_of": r["as_of"],
                        "source_file": r["file_name"],
                        "sheet": r["sheet"] if isinstance(r["sheet"], str) else "",
                        "row": int(r["row"]),
                        "what": r["why"],
                    }
                ],
                ensure_ascii=False,
            )
            for r in out.to_dict("records")
        ]
        parts.append(out.assign(last_seen=out["as_of"]))
    loose = matched[matched["entity_id"].isna()]
    if len(loose):
        place = loose["file_name"] + " › " + loose["sheet"] + " › 第" + loose["row"].astype("str") + "行"
        parts.append(
            pd.DataFrame(
                {
                    "code": "PLEDGE_UNMATCHED",
                    "platform": pd.Series(pd.NA, index=loose.index, dtype="str"),
                    "account_id": "pledge:" + loose["pledge_id"].astype("str"),
                    "entity_id": pd.Series(pd.NA, index=loose.index, dtype="str"),
                    "first_seen": loose["signed_on"].where(loose["signed_on"] <= on, on),
                    "last_seen": on,
                    "status": "open",
                    "reason": "台账中“"
                    + loose["subject_name"].fillna("（未填名称）")
                    + "”的承诺书（"
                    + loose["pledge_number"].fillna("无编号")
                    + "）找不到对应主体。依据："
                    + place
                    + "。",
                    "evidence": [
                        json.dumps(
                            [
                                {
                                    "as_of": s if isinstance(s, str) else "",
                                    "source_file": f,
                                    "sheet": h,
                                    "row": int(n),
                                    "what": "台账行",
                                }
                            ],
                            ensure_ascii=False,
                        )
                        for s, f, h, n in zip(loose["signed_on"], loose["file_name"], loose["sheet"], loose["row"], strict=True)
                    ],
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    out = pd.concat(parts, ignore_index=True)
    blank = pd.Series(pd.NA, index=out.index, dtype="str")
    return out.assign(family="DATA", level="low", score=0.2, other_entity_id=blank, explained=blank)[list(COLUMNS)]
