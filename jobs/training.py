"""Training of the probabilistic tier's model from what is loaded; its result is kept, and changes nothing until it is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zp_registry.errors import UsageError
from zp_registry.registry.inputs import read_match_inputs
from zp_registry.registry.matchmodels import current_model, keep_model, use_model
from zp_registry.resolve.model import MatchModel, Summary, features, train
from zp_registry.resolve.subjects import SHARED, Hubs, described, open_tables

from .office import Office


@dataclass
class Trained:
    """A model that was trained and kept under ``version``."""

    version: int
    model: MatchModel
    summary: Summary
    in_use: bool


def by_account(office: Office) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How holders are described, account by account: subjects and tokens as :func:`features` takes them, one subject for each
    account of each description.

    Subjects of the registry will not do to learn from: what two platforms say under one number is one subject there.
    """
    with office.engine.connect() as connection:
        inputs = read_match_inputs(connection)
    rows = inputs.rows.filter(pc.is_valid(inputs.rows["subject_id"])).to_pandas()
    named = rows["record_id"].map(inputs.accounts.set_index("record_id")["account_id"]).astype("str")
    account = named.fillna(rows["account_ref"]).fillna("")
    key = rows["subject_id"].astype("str") + "\x1f" + rows["platform"].fillna("") + "\x1f" + account
    # Numbered in the order of the rows' descriptions, so that the same data train the same model.
    order = rows["subject_id"].map(inputs.order.to_pandas().set_index("subject_id")["key"].astype("str")).fillna("")
    sort = pd.DataFrame({"key": key, "order": order, "account": rows["platform"].fillna("") + "\x1f" + account})
    numbered = sort.drop_duplicates("key").sort_values(["order", "account"], kind="stable", ignore_index=True)
    ids = pd.Series(numbered.index + 1, index=numbered["key"])
    told = rows.assign(subject_id=key.map(ids).astype("int64"))
    new_order = pd.DataFrame({"subject_id": ids.to_numpy(), "key": [f"{i:012d}" for i in ids]})
    hubs = Hubs(dict.fromkeys(SHARED, office.settings.resolve.hub_names))
    con = open_tables(pa.Table.from_pandas(told, preserve_index=False), inputs.accounts, new_order, hubs)
    return described(con)


def train_model(office: Office, *, seed: int, use: bool, output: Path | None) -> Trained:
    """Trains on what is loaded, starting from the comparisons of the model that resolving uses now, and keeps the result; with
    ``use`` the next resolve scores by it, ``output`` takes it as a file, too. Raises UsageError when too little is loaded."""
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"there is no folder {output.parent}")
    if use and office.settings.resolve.model is not None:
        raise UsageError("the setting resolve.model names a file, which beats every kept model: take it out before --use")
    with office.engine.connect() as connection:
        start = current_model(connection, office.settings.resolve.model)
    subjects, tokens = by_account(office)
    model, summary = train(features(subjects, tokens), start, seed=seed, name=f"trained, seed {seed}")
    with office.engine.begin() as connection:
        version, kept = keep_model(connection, model, summary.as_dict())
        if use:
            use_model(connection, version)
    if output is not None:
        output.write_text(kept.to_json(), "utf-8")
    return Trained(version, kept, summary, use)
