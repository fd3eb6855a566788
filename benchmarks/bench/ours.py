"""The registry's own resolving out of its database: reading, matching, and writing edges and entity ids; without histories and
flags, which no competitor makes.

python -m bench.ours HOME full|new [keep]

``full`` resolves every record, ``new`` what changed since the last resolve. What was written is taken back at the end, so that
the same state can be resolved again, unless it is to be kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import scipy.sparse.csgraph  # noqa: F401  loaded before the clock starts, as the other competitors load what they use
import splink  # noqa: F401
from zp_registry.jobs.derive import resolve_within
from zp_registry.jobs.office import Office, open_office

from zp_registry.registry import audit
from zp_registry.settings import load_settings

from .measure import Clock


def main() -> None:
    home, mode = Path(sys.argv[1]), sys.argv[2]
    clock = Clock()
    office: Office = open_office(load_settings(home))
    with office.engine.connect() as connection:
        with clock.step("all"):
            counts = resolve_within(connection, office, audit.moment(), full=mode == "full")
        if "keep" in sys.argv[3:]:
            connection.commit()
        else:
            connection.rollback()
    office.engine.dispose()
    print(json.dumps({"seconds": clock.seconds, "cpu": clock.cpu, "counts": counts}))


if __name__ == "__main__":
    main()
