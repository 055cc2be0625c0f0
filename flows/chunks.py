"""Chunks of one recording mapped over a Dask cluster: by Prefect's task runner, on as many machines as it has.

The workers need emorec, its model files, and the same paths for the recording and the store. What they see of a chunk
they put into the work folder, so nothing but a chunk's number goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import TaskRunner

from emorec import pipeline
from emorec.app import StepRunner
from emorec.errors import SettingsError, StoreError
from emorec.pipeline import Plan
from emorec.settings.run import RunSettings
from emorec.types import Progress, ProgressCallback

__all__ = ["spread"]

P = ParamSpec("P")
T = TypeVar("T")

RETRIES, RETRY_SECONDS = 2, 10
"""A chunk whose worker was lost is observed by another one."""


def spread(step: StepRunner, run: RunSettings) -> StepRunner:
    """Runs steps as ``step`` does, but observes over the cluster where the settings say so (``run.runner`` "dask")."""
    if run.runner != "dask":
        return step

    def spreading(name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if name != "observe":
            return step(name, function, *args, **kwargs)
        plan, indices, progress = cast("tuple[Plan, Sequence[int], ProgressCallback]", args)
        return cast(T, _observe(plan, indices, progress, _dask(run)))

    return spreading


@task(
    name="observe-chunk",
    task_run_name="chunk {index}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_SECONDS,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def _observe_chunk(plan: Plan, index: int) -> int:
    pipeline.observe_chunk(plan, index)
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


def _dask(run: RunSettings) -> TaskRunner[Any]:
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise SettingsError('run.runner is "dask", but prefect-dask is missing; pip install "emorec[dask]"') from error
    if run.cluster:
        return DaskTaskRunner(address=run.cluster)
    return DaskTaskRunner(cluster_kwargs={"n_workers": run.workers, "threads_per_worker": 1, "dashboard_address": None})
