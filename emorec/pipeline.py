"""The steps of a recording, and their composition in one process.

Each step takes and gives paths and small values, so that a runner may take them apart: ``plan`` once,
``observe_chunk`` for every chunk on any worker, ``resolve_recording`` and ``commit`` once.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import emorec
from emorec import assets
from emorec.errors import InputError
from emorec.memory import keep_pictures_apart, peak_memory_mb
from emorec.schemas import SCHEMA_VERSION
from emorec.store import Session, Store, session_id
from emorec.types import Chunk, Progress, ProgressCallback, RecordingInfo
from emorec.workfolder import ChunkRecord, WorkFolder

if TYPE_CHECKING:
    from emorec.resolve import Resolution
    from emorec.settings import Settings
    from emorec.settings.emotion import EmotionSettings

__all__ = [
    "Plan",
    "commit",
    "missing_chunks",
    "observe_chunk",
    "observe_missing",
    "plan",
    "resolve_recording",
    "work_folder",
]

# Raised with every change to what observe sees or how it is kept: a run never goes on with chunks of another code.
_OBSERVE_VERSION: Final = "9"


@dataclass(frozen=True)
class Plan:
    """What is to be done for a recording: small, and the same on every worker.

    ``models``: the sha256 of each model file, by name; ``fingerprint``: of all that observe's results depend on.
    """

    info: RecordingInfo
    chunks: tuple[Chunk, ...]
    store: str
    settings: Settings
    models: dict[str, str]
    fingerprint: str
    emotion: EmotionSettings | None = None
    """The version of the emotion model that was there when the work began, and where it lies: it is kept to the end,
    whatever is promoted meanwhile."""

    @property
    def observe_settings(self) -> Settings:
        """The settings with that version."""
        return self.settings.model_copy(update={"emotion": self.emotion}) if self.emotion else self.settings

    @property
    def session(self) -> str:
        """The id of the session to be."""
        return session_id(self.info.sha256)


def work_folder(info: RecordingInfo, store: str, settings: Settings) -> WorkFolder:
    """Where a recording's observations lie: on the store, or for a store behind a URL in the folder of the settings."""
    return WorkFolder(_work_root(store, settings), info.sha256)


def _work_root(store: str, settings: Settings) -> Path:
    opened = Store(store)
    return opened.local_path if opened.is_local else settings.work


def _chunks_of(plan: Plan) -> WorkFolder:
    """The work folder with the chunks that were observed as this plan says."""
    return WorkFolder(_work_root(plan.store, plan.settings), plan.info.sha256, plan.fingerprint)


def plan(info: RecordingInfo, store: str, settings: Settings) -> Plan:
    """Lay the grid of chunks, check that every model is there, and bind the work folder to both.

    Raises:
        InputError: the recording has no picture that can be sampled.
        AssetError: a model file is missing.
    """
    from emorec import emotion, recording

    chunks = recording.plan_chunks(info, settings.recording)
    models, classifier = assets.hashes(settings.assets, plates=settings.privacy.reads_plates), None
    if settings.privacy.emotions:
        classifier = emotion.pinned(settings.emotion, settings.models_folder(store))
        models |= emotion.hashes(classifier)
    fingerprint = settings.observe_fingerprint({**models, "emorec": emorec.__version__, "observe": _OBSERVE_VERSION})
    work_folder(info, store, settings).prepare(fingerprint)
    return Plan(info, chunks, store, settings, models, fingerprint, classifier)


def observe_chunk(plan: Plan, index: int, progress: ProgressCallback | None = None) -> None:
    """Observe one chunk and keep what was seen in the work folder; a chunk that is there already is left as it is."""
    folder = _chunks_of(plan)
    if folder.has(index):
        return
    observe_missing(plan, [index], progress)


def missing_chunks(plan: Plan, indices: Sequence[int]) -> list[int]:
    """Those of the chunks that have not been observed."""
    folder = _chunks_of(plan)
    return [index for index in indices if not folder.has(index)]


def observe_missing(plan: Plan, indices: Sequence[int], progress: ProgressCallback | None = None) -> None:
    """Observe those of the chunks that have not been, one after another."""
    from emorec import observe, recording

    missing = missing_chunks(plan, indices)
    if not missing:
        return
    folder = _chunks_of(plan)
    samples = faces = 0
    with observe.borrowed(plan.observe_settings) as observer:
        for index in missing:
            with recording.SampleReader(plan.info, plan.chunks[index], plan.settings.recording) as reader:
                seen = observer.observe(reader, _of_whole(progress, plan, samples, faces))
                record = ChunkRecord(reader.read_until_s, tuple(reader.warnings), seen.stages)
            folder.write(index, seen.observations, record)
            samples += len(seen.observations.samples)
            faces += len(seen.observations.faces)


def resolve_recording(plan: Plan) -> tuple[Resolution, list[ChunkRecord]]:
    """Solve who is who and derive the session's tables from what was seen in all chunks.

    Raises:
        InputError: not a single picture of the recording could be read, or the roster cannot be.
    """
    from emorec import resolve
    from emorec.faces import names

    started, cpu = time.perf_counter(), time.process_time()
    # So does every array of a long recording: what is not needed any more goes back to the system at once.
    keep_pictures_apart()
    folder = _chunks_of(plan)
    observations, records = folder.read([chunk.index for chunk in plan.chunks])
    if not len(observations.samples):
        raise InputError(f"{plan.info.path}: no picture could be decoded; the file is damaged, export it again")
    roster = names.read_roster(plan.settings.privacy.roster) if plan.settings.privacy.roster else ()
    resolution = resolve.resolve(
        observations, session=plan.session, duration_s=plan.info.duration_s, settings=plan.settings, roster=roster
    )
    stage = {"wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}
    last = records[-1]
    records[-1] = ChunkRecord(last.read_until_s, last.warnings, {**last.stages, "resolve": stage})
    return resolution, records


def commit(
    plan: Plan,
    resolution: Resolution,
    records: Sequence[ChunkRecord],
    *,
    course: str,
    title: str | None,
    started_s: float,
) -> Session:
    """Write the session, whole or not at all, and delete the work folder with its embeddings.

    Args:
        started_s: when the work on this recording began, of ``time.perf_counter``.
    """
    from emorec import aggregate, recording

    info = plan.info
    read_until_s = max(record.read_until_s for record in records)
    warnings = [
        *info.warnings,
        *dict.fromkeys(text for record in records for text in record.warnings),
        *resolution.warnings,
    ]
    metadata: dict[str, Any] = {
        "session": plan.session,
        "schema": SCHEMA_VERSION,
        "emorec": emorec.__version__,
        "recording": {
            "name": recording.shown_name(info.path.name),
            "path": recording.shown_name(str(info.path)),
            "sha256": info.sha256,
            "duration_s": round(info.duration_s, 3),
            "read_until_s": round(read_until_s, 3),
            "size_bytes": info.size_bytes,
            "width_px": info.width_px,
            "height_px": info.height_px,
            "fps": round(info.fps, 3),
            "codec": info.codec,
            "container": info.container,
        },
        "course": recording.shown_name(course),
        "title": recording.shown_name(title or info.path.stem),
        "date": _date(info),
        "privacy": plan.settings.privacy.model_dump(),
        "settings": plan.settings.changed(),
        "models": plan.models,
        "counts": resolution.counts,
        "stages": _stage_totals(records),
        "seconds": round(time.perf_counter() - started_s, 2),
        "peak_memory_mb": round(peak_memory_mb()),
        "warnings": warnings,
    }
    if plan.settings.privacy.mode == "aggregate":
        metadata = aggregate.aggregate_metadata(metadata)
    session = Store(plan.store).commit(resolution.tables, metadata)
    work_folder(info, plan.store, plan.settings).delete()
    return session


def _of_whole(progress: ProgressCallback | None, plan: Plan, samples: int, faces: int) -> ProgressCallback | None:
    """A callback that says how far the whole recording is, from what is said of a chunk after so many samples."""
    if progress is None:
        return None
    report: Callable[[Progress], None] = progress

    def moved(step: Progress) -> None:
        report(Progress("observe", step.done_s, plan.info.duration_s, samples + step.samples, faces + step.faces))

    return moved


def _stage_totals(records: Sequence[ChunkRecord]) -> dict[str, dict[str, float]]:
    totals: dict[str, dict[str, float]] = {}
    for record in records:
        for stage, figures in record.stages.items():
            total = totals.setdefault(stage, {})
            for name, value in figures.items():
                total[name] = round(total.get(name, 0) + value, 3)
    return totals


def _date(info: RecordingInfo) -> str:
    """The day of a recording, from the file's time of change."""
    return dt.datetime.fromtimestamp(info.modified_s).date().isoformat()
