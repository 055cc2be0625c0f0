"""Windows, group, moments and the engagement index."""

from __future__ import annotations

from emorec.settings.base import Area


class AnalysisSettings(Area):
    """Windows, group, moments and the engagement index."""
