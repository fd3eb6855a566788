"""The Spark session of this process, where there is Spark (extra ``spark``, Java 17)."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zp_registry.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def spark_session(jars: Sequence[str] = ()) -> SparkSession:
    """The session under way, or a new one: on this machine's processors unless ``$MASTER`` names a cluster.
    What Spark writes beside memory is encrypted, since rows on their way through it are in clear. UsageError without pyspark.

    ``jars``: archives that a new session loads besides.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("the spark engine needs pyspark: install zp-registry[spark]") from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        SparkSession.builder.master(os.environ.get("MASTER", "local[*]"))
        .appName("zp-registry")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.default.parallelism", "8")
        .config("spark.jars", ",".join(jars))
        .config("spark.io.encryption.enabled", "true")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.codegen.wholeStage", "false")  # Splink's statements outgrow what one Java method may hold
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    return session
