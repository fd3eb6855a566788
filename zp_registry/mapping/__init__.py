"""Mapping: a layout is data. Reads the YAML mappings, recognises a file's layout, and maps its rows to canonical fields."""

from zp_registry.mapping.engine import from_raw, map_report
from zp_registry.mapping.load import Mappings, Problem, lint, load_mappings
from zp_registry.mapping.model import Mapping
from zp_registry.mapping.report import MappedReport, RawRow, Remark

__all__ = [
    "MappedReport", "Mapping", "Mappings", "Problem", "RawRow", "Remark", "from_raw", "lint", "load_mappings", "map_report",
]
