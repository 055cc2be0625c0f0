"""Chunks of one recording mapped over a Dask or Ray cluster: by Prefect's task runners, on as many machines as it has.

The workers need emorec, and the same paths for the recording, the store and the folder of model files (``assets``), all
of which the flow's settings name. What they see of a chunk they put into the work folder, so nothing but a chunk's
number goes back.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import Any, Final, ParamSpec, TypeVar, cast

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import TaskRunner

from emorec import pipeline
from emorec.app import StepRunner
from emorec.errors import SettingsError, StoreError
from emorec.pipeline import Plan
from emorec.settings.run import RunSettings
from emorec.types import Progress, ProgressCallback
from flows import apart
from flows.transient import worth_retrying

__all__ = ["spread"]

P = ParamSpec("P")
T = TypeVar("T")

RETRIES, RETRY_SECONDS = 2, 10
"""For what can pass, as of any step; a chunk whose worker was lost is given to another one by the cluster itself."""


def spread(step: StepRunner, run: RunSettings) -> StepRunner:
    """Runs steps as ``step`` does, but observes over a cluster where the settings say so (``run.runner``)."""
    if run.runner not in CLUSTERS:
        return step

    def spreading(name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if name != "observe":
            return step(name, function, *args, **kwargs)
        plan, indices, progress = cast("tuple[Plan, Sequence[int], ProgressCallback]", args)
        with TemporaryDirectory(prefix="emorec-", ignore_cleanup_errors=True) as scratch:
            return cast(T, _observe(plan, indices, progress, _task_runner(run, scratch)))

    return spreading


@task(
    name="observe-chunk",
    task_run_name="chunk {index}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_SECONDS,
    retry_condition_fn=worth_retrying,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def _observe_chunk(plan: Plan, index: int) -> int:
    apart.observe_chunk(plan, index)
    return index


def _observe(plan: Plan, indices: Sequence[int], progress: ProgressCallback, runner: TaskRunner[Any]) -> None:
    """Observe those of the chunks that have not been, each as a task of a flow of its own.

    Raises:
        StoreError: the workers wrote to another store than this one.
    """
    missing = pipeline.missing_chunks(plan, indices)

    @flow(name="observe-chunks", task_runner=runner, persist_result=False)
    def observe_chunks() -> None:
        futures = [_observe_chunk.submit(plan, index) for index in missing]
        done_s = 0.0
        for future in futures:
            chunk = plan.chunks[future.result()]
            done_s += chunk.t1_s - chunk.t0_s
            progress(Progress("observe", done_s, plan.info.duration_s))

    if missing:
        observe_chunks()
    lost = pipeline.missing_chunks(plan, missing)
    if lost:
        raise StoreError(
            f"{plan.store}: {len(lost)} chunks that workers have observed are not here; "
            "give the store, and the recording, by a path that means the same folder on every machine"
        )


def _task_runner(run: RunSettings, scratch: str) -> TaskRunner[Any]:
    """The task runner of a cluster; one that it starts here keeps its files, with what workers log, in ``scratch``."""
    try:
        return CLUSTERS[run.runner](run, scratch)
    except ImportError as error:
        raise SettingsError(
            f'run.runner is "{run.runner}", but prefect-{run.runner} is missing; pip install "emorec[{run.runner}]"'
        ) from error


def _dask(run: RunSettings, scratch: str) -> TaskRunner[Any]:
    from prefect_dask.task_runners import DaskTaskRunner

    if run.cluster:
        return DaskTaskRunner(address=run.cluster)
    here = {"threads_per_worker": 1, "dashboard_address": None, "local_directory": scratch}
    return DaskTaskRunner(cluster_kwargs={"n_workers": run.workers, **here})


def _ray(run: RunSettings, scratch: str) -> TaskRunner[Any]:
    from prefect_ray.task_runners import RayTaskRunner

    # This and the next are inherited by all that Ray starts. It tells nobody of its use.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if run.cluster:
        return cast("TaskRunner[Any]", RayTaskRunner(run.cluster, {"log_to_driver": False}))
    # As on systems where Ray has no clusters, it listens on loopback only; none of its arguments brings that about.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    # Others on this machine would need a password, which is of this process alone.
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex()}
    # "local" rather than no address: not the cluster that RAY_ADDRESS may name.
    # A folder of its own in there, since Ray lets everybody into the one that it is given.
    here = {"address": "local", "num_cpus": run.workers, "include_dashboard": False, "_temp_dir": f"{scratch}/ray"}
    return cast("TaskRunner[Any]", RayTaskRunner(init_kwargs={**here, "log_to_driver": False}))


CLUSTERS: Final[Mapping[str, Callable[[RunSettings, str], TaskRunner[Any]]]] = {"dask": _dask, "ray": _ray}
"""What makes the task runner of a cluster, by ``run.runner``; each is named as Prefect's package and emorec's extra."""
