"""From the timeline to windows, group and moments; nothing is made up where data is missing."""

from __future__ import annotations

from emorec.analysis.engagement import INDEXES, engagement
from emorec.analysis.group import Group, GroupWindows, group, group_windows
from emorec.analysis.moments import Moment, find_moments
from emorec.analysis.windows import Windows, windows

__all__ = [
    "INDEXES",
    "Group",
    "GroupWindows",
    "Moment",
    "Windows",
    "engagement",
    "find_moments",
    "group",
    "group_windows",
    "windows",
]
