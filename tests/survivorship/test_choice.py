"""The choice of a shown value: by the settings' order of preference, whatever the order of rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zp_registry.errors import UsageError
from zp_registry.resolve.survivorship import Preferences, survive
from zp_registry.settings import Settings

TEXTS = ("subject_name", "subject_key", "uscc", "id_hash", "id_mask", "phone_hash", "phone_mask", "contact_name",
         "operator_name", "legal_representative", "business_address", "town", "subject_kind", "entity_id", "as_of",
         "source", "part", "sheet")  # fmt: skip
JAN, FEB = "2026-01-31", "2026-02-28"


def seen(*rows: dict[str, Any]) -> pd.DataFrame:
    """Sightings of one person's rows; ``rows`` by column."""
    plain = {**dict.fromkeys(TEXTS), "entity_id": "E00000001", "subject_kind": "natural_person", "as_of": JAN, "source": "a",
             "part": "", "sheet": "", "loose": 0}  # fmt: skip
    full = [{**plain, "record_id": n, "row": n, **r} for n, r in enumerate(rows, start=1)]
    return pd.DataFrame(full).astype(dict.fromkeys(TEXTS, "str"))


def shown(frame: pd.DataFrame, column: str, preferences: Preferences | None = None) -> Any:
    return survive(frame, preferences)[0][column].iloc[0]


def test_valid_over_partial_and_registered_over_shared_before_newer() -> None:
    rows = seen(
        {"subject_name": "张三", "id_hash": "h", "id_mask": "411324********001X"},
        {"subject_name": "张二", "id_mask": "411324********001X", "as_of": FEB},
        {"subject_name": "张一", "id_hash": "h", "loose": 1, "as_of": FEB},
    )
    assert shown(rows, "name") == "张三"
    assert shown(rows, "id_hash") == "h"
    assert shown(rows, "name", Preferences(name=("newest", "registered"))) == "张二"
    assert shown(rows, "name", Preferences(name=("valid", "newest"))) == "张一"


def test_where_somebody_can_be_reached_is_the_newest_and_then_what_more_rows_say() -> None:
    rows = seen(
        {"business_address": "旧地址", "as_of": JAN},
        {"business_address": "甲", "as_of": FEB, "source": "b"},
        {"business_address": "乙", "as_of": FEB, "source": "a"},
        {"business_address": "乙", "as_of": FEB, "source": "a", "part": "x"},
    )
    assert shown(rows, "address") == "乙"
    assert shown(rows, "address", Preferences(address=("newest", "source"), sources=("b", "a"))) == "甲"
    assert shown(rows, "address_record", Preferences(address=("newest", "source"), sources=("b", "a"))) == 2


def test_every_name_is_kept_with_its_dates() -> None:
    _, _, names = survive(
        seen({"subject_name": "旧"}, {"subject_name": "旧", "as_of": FEB}, {"subject_name": "新", "as_of": FEB})
    )
    assert sorted(names[["name", "first_seen", "last_seen"]].itertuples(index=False, name=None)) == [
        ("新", FEB, FEB),
        ("旧", JAN, FEB),
    ]


_WORD = st.sampled_from([None, "x", "y"])
_ROW = st.fixed_dictionaries(
    {
        **dict.fromkeys(("subject_name", "id_hash", "phone_hash", "business_address"), _WORD),
        "as_of": st.sampled_from([JAN, FEB]),
        "source": st.sampled_from(["a", "b"]),
        "loose": st.integers(0, 1),
        "entity_id": st.sampled_from(["E1", "E2"]),
    }
)


@given(rows=st.lists(_ROW, min_size=1, max_size=8), data=st.data())
def test_the_choice_does_not_depend_on_the_order_of_rows(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    frame = seen(*rows)
    mixed = frame.iloc[data.draw(st.permutations(range(len(frame))))].reset_index(drop=True)
    for one, other in zip(survive(frame), survive(mixed), strict=True):
        keys = [c for c in ("entity_id", "kind", "value", "name") if c in one]
        left, right = (f.sort_values(keys, ignore_index=True) for f in (one, other))
        pd.testing.assert_frame_equal(left, right)


def test_an_unknown_word_is_told() -> None:
    with pytest.raises(ValueError, match="newset"):
        survive(seen({"subject_name": "张三"}, {"subject_name": "李四"}), Preferences(name=("newset",)))


def test_the_settings_take_the_known_words_alone(tmp_path: Any) -> None:
    with pytest.raises((ValueError, UsageError)):
        Settings(home=tmp_path, resolve={"survivorship": {"name": ["newset"]}})
    told = Settings(home=tmp_path, resolve={"survivorship": {"name": ["newest"], "sources": ["taobao"]}})
    assert told.resolve.survivorship.name == ("newest",)
