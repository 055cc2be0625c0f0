"""How emorec runs by itself: the watched folder, the addresses, the parts that `emorec up` starts."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from emorec.settings.base import Area


class OperationsSettings(Area):
    """The watched folder and the servers of ``emorec up``; relative folders start where it is called."""

    folder: Path = Path("recordings")
    """Folder that holds ``inbox``, ``working``, ``done`` and ``failed``."""

    home: Path = Path("emorec-home")
    """Folder of Prefect's database, logs and counters; readable by its owner only."""

    host: str = "127.0.0.1"
    """Address that the servers listen on; anything but loopback lets others in, who are asked for no password."""

    port: int = Field(4200, ge=0, le=65535)
    """Port of Prefect's server and pages."""

    pages_port: int = Field(4280, ge=0, le=65535)
    """Port of the read-only server of reports."""

    metrics_port: int = Field(4290, ge=0, le=65535)
    """Port of the worker's figures for Prometheus."""

    pages_url: str = ""
    """Where browsers find the reports, for links in Prefect's pages and notifications; `emorec up` sets it."""

    queue: str = "default"
    """Work queue that this machine's worker takes runs from; ``gpu`` is that of the deployment for GPUs."""

    workers: int = Field(1, ge=1, le=64)
    """Recordings analysed at a time on this machine; each takes two cores and up to 1.5 GB."""

    poll_s: float = Field(2.0, gt=0, le=3600)
    """Pause between two looks at the inbox, s; network shares tell nobody of new files, so that it is always polled."""

    settle_s: float = Field(10.0, ge=0, le=3600)
    """A file whose size and time stood still for this long counts as whole, s."""

    patience_s: float = Field(60.0, ge=0, le=86400)
    """A file that cannot be read to its end, and does not change, is given up after this long, s."""

    max_crashes: int = Field(3, ge=1, le=20)
    """A run that died this often fails for good."""

    notify: str = ""
    """Prefect block that is told of each report and each failure, as TYPE/NAME, such as ``slack-webhook/emorec``."""
