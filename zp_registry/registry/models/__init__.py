"""The registry's tables.

Two kinds. *Evidence* is what was reported and what people decided: files, reports, records (every version of a row),
sightings (which row of which report showed which version), rejects, pledges, edges made by people, decisions, follow-up
attempts, audit. *Knowledge* is computed from evidence and written as differences: accounts, entities, holdings, roles,
links, flags. Knowledge can be thrown away and made again; evidence cannot.

Dates are ISO text (``YYYY-MM-DD``) and moments ISO text in UTC: they sort as they should on both databases. Sensitive values
never stand in clear: ``*_hash`` is a keyed hash for matching, ``*_mask`` what may be shown, ``sealed`` an AES-GCM ciphertext
(JSON of the row's sensitive fields) whose associated data is the column and the record's key.
"""

from __future__ import annotations

from .base import Base, Id
from .cases import CaseEvent, CaseFile, Notice, PledgeMatch, Reverification, ReviewedPair
from .desk import DeskSession, DeskSignIn, DeskUpload, DeskUser, Task
from .evidence import Fault, Pledge, Record, RecordStreamer, Reject, Report, ReportFile, Sighting, Subject, Touched
from .knowledge import Account, Edge, Entity, EntityIdentifier, EntityName, Flag, Holding, Link, MatchModel, Role
from .office import Audit, DataKey, Run, State
from .work import Decision, FollowupAttempt, FollowupListing

__all__ = [
    "Account",
    "Audit",
    "Base",
    "CaseEvent",
    "CaseFile",
    "DataKey",
    "Decision",
    "DeskSession",
    "DeskSignIn",
    "DeskUpload",
    "DeskUser",
    "Edge",
    "Entity",
    "EntityIdentifier",
    "EntityName",
    "Fault",
    "Flag",
    "FollowupAttempt",
    "FollowupListing",
    "Holding",
    "Id",
    "Link",
    "MatchModel",
    "Notice",
    "Pledge",
    "PledgeMatch",
    "Record",
    "RecordStreamer",
    "Reject",
    "Report",
    "ReportFile",
    "Reverification",
    "ReviewedPair",
    "Role",
    "Run",
    "Sighting",
    "State",
    "Subject",
    "Task",
    "Touched",
]
