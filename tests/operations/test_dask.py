"""Chunks of one recording over a real Dask cluster of local processes, by Prefect's flow: the same tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prefect_processes import Prefect

from emorec import app, demo
from emorec.settings import Settings

TIMEOUT_S = 540
# The flow in a process of its own, and a cluster of two more; each loads Prefect, which is what takes the time.
PROGRAM = """
import os
import sys
from distributed import LocalCluster

def main():
    from flows.analyze_session import analyze_session

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        os.environ["EMOREC_RUN__CLUSTER"] = cluster.scheduler_address
        state = analyze_session(sys.argv[1], store=sys.argv[2], return_state=True)
        print(state.type.value, state.message)

if __name__ == "__main__":
    main()
"""


@pytest.mark.slow
@pytest.mark.timeout(2 * TIMEOUT_S)
def test_a_recording_over_a_cluster_gives_the_same_tables(prefect: Prefect, tmp_path: Path) -> None:
    pytest.importorskip("prefect_dask", reason="needs the extra dask")
    recording = demo.compose(tmp_path / "demo", 10).recording
    here = app.analyze(recording, settings=Settings.load(recording={"chunk_s": 5}), store=tmp_path / "here")
    environment = {**prefect.env, "EMOREC_RUN__RUNNER": "dask", "EMOREC_RECORDING__CHUNK_S": "5"}
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, program, recording, tmp_path / "there"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert "COMPLETED" in done.stdout, done.stdout + done.stderr
    # Each chunk was a task of the flow that spreads them.
    assert all(f"chunk {index}" in done.stderr for index in range(2)), done.stderr
    one, other = Path(here.folder), tmp_path / "there" / "sessions" / here.session
    tables = sorted(path.name for path in one.glob("*.parquet"))
    assert tables
    for name in tables:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
