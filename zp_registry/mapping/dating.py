"""Which report date each row has: the option beats the row's own cell, that the sheet's title cell, that the file's name."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from zp_registry.dates import parse_dates
from zp_registry.errors import FileRefused, OptionNeeded
from zp_registry.mapping.filename import NamedDate, date_in_name, iso_date, labelled_date
from zp_registry.mapping.headers import Head
from zp_registry.mapping.model import Mapping
from zp_registry.mapping.text import Mask, Text, array, constant, filled, nulls, series, where


@dataclass
class Dating:
    """The witnesses for the date of one file. ``option``, ``default``: ISO; ``default`` (of corrected rows) is as good as a
    title cell; ``in_cells``: dates that title cells and rows gave, with how many rows each covers."""

    file: str
    option: str | None = None
    default: str | None = None
    named: NamedDate | None = None
    in_cells: dict[str, int] = field(default_factory=dict)
    unreadable: bool = False
    day: str | None = None

    @classmethod
    def of(cls, file: str, option: str | None, default: str | None = None) -> Dating:
        """Raises FileRefused DATE_CONFLICT if the option is no date."""
        if option is not None and iso_date(option) is None:
            raise FileRefused("DATE_CONFLICT", file, detail="无法识别")
        return cls(file, iso_date(option) if option else None, default, date_in_name(file))

    def title(self, mapping: Mapping, top: Head, row: int) -> str | None:
        """The date that a labelled cell above the header states, if any."""
        if not mapping.meta.as_of:
            return self.default
        lines = [" ".join(c for c in cells if c) for cells in top.rows[:row + 1]]
        day, seen = labelled_date(lines, mapping.meta.as_of)
        self.unreadable |= seen and day is None
        return day or self.default

    def rows(self, own: Text | None, title: str | None, n: int) -> tuple[Text, Mask]:
        """(each row's date by cell or title, null if neither has one; where a cell has something that is no date)."""
        stated = nulls(n) if own is None else _parsed(own)
        bad = filled(own) & ~filled(stated) if own is not None else filled(stated)
        if title is not None:
            stated = where(~filled(stated) & ~bad, constant(title, n), stated)
        for day, count in series(stated).value_counts().items():
            self.in_cells[str(day)] = self.in_cells.get(str(day), 0) + int(count)
        if title is not None:
            self.in_cells.setdefault(title, 0)
        return stated, bad

    def settle(self, kind: str) -> str | None:
        """The date of the whole file: option, else the one that most rows have (the newest of equals), else the name's.

        Raises OptionNeeded for a report without any.
        """
        common = max(self.in_cells, key=lambda d: (self.in_cells[d], d), default=None)
        self.day = self.option or common or (self.named.date if self.named else None)
        if self.day is None and kind == "report":
            raise OptionNeeded(self.file, "--as-of", "the file does not say its report date")
        return self.day

    def differences(self) -> str:
        """Detail for AS_OF_FILE_DIFFERS: every witness with its date, empty if they agree."""
        said = [("命令", self.option)] if self.option else []
        said += [("表内", day) for day in sorted(self.in_cells)]
        dates = {day for _, day in said}
        if self.named is not None:
            digits = 7 if self.named.month else 10  # a name with a month alone only contradicts another month
            if {d[:digits] for d in dates} - {self.named.date[:digits]}:
                said.append(("文件名", self.named.date[:digits]))
        text = "，".join(f"{who} {day}" for who, day in said)
        if len({day for _, day in said}) > 1:
            return text
        if self.unreadable and not self.in_cells:
            return f"表内的报送日期无法识别，按{'命令' if self.option else '文件名'}的日期"
        return ""


def _parsed(text: Text) -> Text:
    return array(parse_dates(series(text)))


def final_dates(dating: Dating, stated: Text, bad: Mask, n: int) -> tuple[Text, Mask]:
    """The final date of each row: the option for all, else the stated one, else the file's; unreadable cells stay empty."""
    if dating.option is not None:
        return constant(dating.option, n), bad & False
    day = dating.day
    out = where(~filled(stated) & ~bad, constant(day, n), stated) if day is not None else stated
    return out, bad


def differs(frame: pd.DataFrame, day: str | None) -> Mask:
    """Rows whose own date is not the file's."""
    out: Mask = (frame["as_of"].notna() & (frame["as_of"] != (day or ""))).to_numpy(dtype=bool)
    return out
