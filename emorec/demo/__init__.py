"""A small meeting of a minute, composed on the spot, whose truth is known.

Its two faces are public-domain portraits that installed packages carry: Grace Hopper (US Navy, in Matplotlib's sample
data) and Eileen Collins (NASA, in scikit-image). Nothing is downloaded.
"""

from __future__ import annotations

from emorec.demo.beside import INSTRUCTOR, STARTED, names_by_truth, write_beside
from emorec.demo.compose import Demo, compose

__all__ = ["INSTRUCTOR", "STARTED", "Demo", "compose", "names_by_truth", "write_beside"]
