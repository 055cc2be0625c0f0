"""How the work is spread over a machine; nothing of it changes a result."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from emorec.settings.base import Area


class RunSettings(Area):
    """How the work is spread over a machine; nothing of it changes a result."""

    runner: Literal["threads", "processes", "dask", "ray"] = "threads"
    """``threads``: chunks are observed in this process, several at a time where there are several ``workers``;
    ``processes``: each worker is a process of its own; ``dask``, ``ray``: over such a cluster, in Prefect's flow only.
    Processes do not hold each other up, and several recordings are analysed at the same time; threads share what they
    load, which saves some 150 MB each."""

    cluster: str = ""
    """Address of the cluster: of Dask's scheduler (``tcp://…:8786``) or of Ray's head (``ray://…:10001``, or, on a
    machine of the cluster, ``…:6379``); without it, ``workers`` processes are started here."""

    workers: int = Field(1, ge=1, le=256)
    """Chunks that are observed at the same time. One worker keeps about two cores busy, so one more per two cores is
    usually enough; each takes 360 to 460 MB (docs/scale.md), more with pictures above 1080 lines."""
