"""Every number that a user may turn, each with its meaning, unit and source.

Read once, at the top: defaults, then ``emorec.toml`` in the working folder (or the file that ``EMOREC_CONFIG`` names),
then ``EMOREC_*`` variables (``EMOREC_RECORDING__RATE_HZ=1``). Each area is a small class of its own.
"""

from __future__ import annotations

from emorec.settings.root import Settings

__all__ = ["Settings"]
