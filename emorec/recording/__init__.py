"""A media file → samples: pictures at a set rate, as displayed, with their times.

Only local regular files in containers that hold their own pictures are read; whatever would open another file or the
network is refused before it can. The rest of emorec knows of a recording what :func:`probe` says, which chunks
:func:`plan_chunks` cuts it into, and what a :class:`SampleReader` yields of a chunk; :func:`shown_name` is how it
stores what the file is called.
"""

from __future__ import annotations

from emorec.recording.chunks import plan_chunks
from emorec.recording.files import shown as shown_path
from emorec.recording.files import shown_name
from emorec.recording.probe import probe
from emorec.recording.samples import SampleReader

__all__ = ["SampleReader", "plan_chunks", "probe", "shown_name", "shown_path"]
