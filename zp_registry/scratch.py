"""Tables to compute with, in memory and nowhere else."""

from __future__ import annotations

import duckdb

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False, "autoload_known_extensions": False, "temp_directory": "",
}  # fmt: skip


def scratch(*, ordered: bool = True) -> duckdb.DuckDBPyConnection:
    """A DuckDB that writes nothing to disk, not even when memory is short (DuckDB's own choice is a folder in the working
    directory, where names would stand in clear), fetches nothing, and sees no variables of ours. ``ordered``: rows keep their
    order where SQL leaves it open."""
    con = duckdb.connect(config=_CONFIG)
    order = "true" if ordered else "false"
    con.execute(
        f"SET enable_progress_bar = false; SET python_enable_replacements = false; SET preserve_insertion_order = {order}"
    )
    return con
