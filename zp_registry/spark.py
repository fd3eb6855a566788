"""Spark, where there is some (extra ``spark``, Java 17): this process's session, and files that its workers read and write."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from zp_registry.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_OWN = "spark-"


def spark_session() -> SparkSession:
    """The session under way, or a new one with Splink's functions: on this machine's processors unless ``$MASTER`` names a
    cluster. What Spark writes beside memory by itself is encrypted, since rows on their way through it are in clear.
    UsageError without pyspark."""
    try:
        from pyspark.sql import SparkSession
        from splink.backends.spark import similarity_jar_location
    except ImportError:
        raise UsageError("the spark engine needs pyspark: install zp-registry[spark]") from None
    if (found := SparkSession.getActiveSession()) is not None:
        return found
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    master = os.environ.get("MASTER", "local[*]")
    settings: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.jars": str(similarity_jar_location()),
        "spark.io.encryption.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.codegen.wholeStage": "false",  # Splink's statements outgrow what one Java method may hold
    }
    local = master.startswith("local")
    if local:  # no port is open to the network, and no folder for tables is made where one works
        tables = tempfile.mkdtemp(prefix="zp-registry-")
        atexit.register(shutil.rmtree, tables, ignore_errors=True)
        settings |= dict.fromkeys(("spark.driver.host", "spark.driver.bindAddress"), "127.0.0.1")
        settings["spark.sql.warehouse.dir"] = tables
    session = SparkSession.builder.master(master).appName("zp-registry").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    if local:
        session.conf.set("spark.sql.shuffle.partitions", str(session.sparkContext.defaultParallelism))
    return session


@contextmanager
def exchange(folder: Path) -> Iterator[Path]:
    """A folder in ``folder`` for files that Spark's workers read and write, which they must see under the same path; closed to
    other users, and gone afterwards. One that was left by a run that was killed goes, too."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.glob(f"{_OWN}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_OWN, dir=folder) as made:
        yield Path(made)
