"""Platforms' interfaces on this machine, for rehearsals and tests: they serve a report's records, check every signature and
token, and play faults by a script. What each platform expects is data (``gateways.yaml``); the checks are written from the
platforms' rules, not from the client."""

from zp_registry.rehearsal.faults import Fault, Script
from zp_registry.rehearsal.gateway import Gateway, packaged
from zp_registry.rehearsal.records import read_records, report_records
from zp_registry.rehearsal.server import Rehearsal, serve, serve_records

__all__ = ["Fault", "Gateway", "Rehearsal", "Script", "packaged", "read_records", "report_records", "serve", "serve_records"]
