"""Sources: a path, or a platform's interface, becomes a ReportFile."""

from zp_registry.sources.columns import text_column
from zp_registry.sources.files import head, read_bytes, read_file
from zp_registry.sources.limits import ReadLimits
from zp_registry.sources.sandbox import reader
from zp_registry.sources.tables import RawTable, ReportFile, TextColumn
from zp_registry.sources.taking import Taken, shown_name, take, without_unseen

__all__ = ["RawTable", "ReadLimits", "ReportFile", "Taken", "TextColumn", "head", "read_bytes", "read_file", "reader",
           "shown_name", "take", "text_column", "without_unseen"]
