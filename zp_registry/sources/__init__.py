"""Sources: a path, or a platform's interface, becomes a ReportFile."""

from zp_registry.sources.files import ReadLimits, head, read_bytes, read_file, text_column
from zp_registry.sources.tables import RawTable, ReportFile, TextColumn

__all__ = ["RawTable", "ReadLimits", "ReportFile", "TextColumn", "head", "read_bytes", "read_file", "text_column"]
