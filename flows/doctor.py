"""Looks at an installation as somebody would who was asked why it does not work."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from emorec.errors import EmorecError

if TYPE_CHECKING:
    from emorec.settings import Settings

__all__ = ["Finding", "examine"]

LEAST_FREE_GB: Final = 2.0
"""Less free space than this will not last: work on a long recording takes some hundred megabytes."""

LEAST_MEMORY_GB: Final = 2.0


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands, and in a line what that means or what to do."""

    what: str
    state: Literal["ok", "warning", "failure"]
    text: str


def examine() -> Iterator[Finding]:
    """All findings, one after the other; what cannot be looked at is a failure of its own, and the rest goes on."""
    from emorec.settings import Settings

    try:
        settings = Settings.load()
    except EmorecError as error:
        yield Finding("settings", "failure", str(error))
        return
    yield Finding("settings", "ok", _settings(settings))
    looks: list[tuple[str, Callable[[Settings], Iterator[Finding]]]] = [
        ("python", _python),
        ("libraries", _libraries),
        ("model files", _assets),
        ("emotion model", _emotion_model),
        ("store", _store),
        ("unfinished work", _work),
        ("watched folder", _watched),
        ("machine", _machine),
        ("prefect", _prefect),
        ("privacy", _privacy),
    ]
    for what, look in looks:
        try:
            yield from look(settings)
        except EmorecError as error:
            yield Finding(what, "failure", str(error))
        except Exception as error:
            yield Finding(what, "failure", f"{type(error).__name__}: {error}".splitlines()[0])


def _settings(settings: Settings) -> str:
    """Which file they come from, and which of them differ from the defaults."""
    from emorec.settings.root import CONFIG_VARIABLE, DEFAULT_CONFIG

    defaults = type(settings).model_construct().model_dump()
    names: list[str] = []
    for area, value in settings.model_dump().items():
        if not isinstance(value, dict):
            names += [area] if value != defaults[area] else []
        else:
            names += [f"{area}.{name}" for name, given in value.items() if given != defaults[area][name]]
    file = Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG)).absolute()
    source = str(file) if file.is_file() else f"no {DEFAULT_CONFIG} in {file.parent}"
    return f"{source}; not as by default: {', '.join(names)}" if names else f"{source}; all as by default"


def _python(_settings: Settings) -> Iterator[Finding]:
    from emorec import __version__

    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok", f"emorec {__version__} on Python {version} ({sys.executable})")


def _libraries(_settings: Settings) -> Iterator[Finding]:
    try:
        import av
        import cv2
    except ImportError as error:
        remedy = "apt-get install libgl1 libglib2.0-0 libegl1 libgles2"
        yield Finding("libraries", "failure", f"{error}; on slim Debian systems: {remedy}")
        return
    wanted = {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4"}
    missing = sorted(wanted - set(av.codecs_available))
    state: Literal["ok", "warning"] = "warning" if missing else "ok"
    lacking = f"; cannot read {', '.join(missing)}" if missing else ""
    yield Finding("libraries", state, f"PyAV {av.__version__}, OpenCV {cv2.__version__}{lacking}")


def _assets(settings: Settings) -> Iterator[Finding]:
    from emorec import assets

    wanted = (*assets.NAMES, *assets.PLATES) if settings.privacy.reads_plates else assets.NAMES
    for name in wanted:
        assets.locate(name, settings.assets)
    yield Finding("model files", "ok", f"{len(wanted)} verified in {settings.assets}")


def _emotion_model(settings: Settings) -> Iterator[Finding]:
    from emorec import emotion

    if not settings.privacy.emotions:
        yield Finding("emotion model", "ok", "not used: emotions are off")
        return
    emotion.hashes(settings.emotion)
    yield Finding("emotion model", "ok", f"{settings.emotion.model} is there")


def _store(settings: Settings) -> Iterator[Finding]:
    from emorec.store import Store

    store = Store(settings.store)
    sessions = len(store.ids())
    where = store.local_path.absolute() if store.is_local else store.root
    yield Finding("store", "ok", f"{sessions} {_many('session', sessions)} in {where}")
    if not store.is_local:
        return
    folder = _existing(store.local_path)
    if not os.access(folder, os.W_OK):
        yield Finding("store", "failure", f"{folder} cannot be written; give this user the right to")
        return
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < LEAST_FREE_GB:
        yield Finding("store", "warning", f"{free_gb:.1f} GB free in {folder}; make room")
    if store.local_path.is_dir() and store.local_path.stat().st_mode & 0o077:
        yield Finding("store", "warning", f"others may look into {store.local_path}; chmod 700 {store.local_path}")


def _work(settings: Settings) -> Iterator[Finding]:
    from emorec import removal
    from emorec.store import Store

    count = len(list(removal.work_of(settings, Store(settings.store))))
    if count:
        days = f"{settings.retention.work_days:g} days"
        text = (
            f"of {count} {_many('recording', count)}, with face embeddings; the retention flow deletes it after {days}"
        )
        yield Finding("unfinished work", "warning", text)
    else:
        yield Finding("unfinished work", "ok", "none")


def _watched(settings: Settings) -> Iterator[Finding]:
    from flows.inbox import DONE, FAILED, INBOX, WORKING, Inbox, is_sidecar

    inbox = Inbox(settings.operations.folder.absolute())
    if not inbox.folder.exists():
        yield Finding("watched folder", "ok", f"{inbox.folder} is not there yet; `emorec up` makes it")
        return
    states = [inbox.folder / name for name in (INBOX, WORKING, DONE, FAILED)]
    there = [path for path in states if path.is_dir()]
    if len({path.stat().st_dev for path in there}) > 1:
        text = f"the folders below {inbox.folder} are on several file systems; recordings cannot be moved between them"
        yield Finding("watched folder", "failure", text)
        return
    for path in there:
        with tempfile.NamedTemporaryFile(dir=path, prefix="."):
            pass
    waiting, working, failed = (
        sum(1 for entry in inbox.files(name) if not is_sidecar(entry.path.name)) for name in (INBOX, WORKING, FAILED)
    )
    text = f"{waiting} {_many('recording', waiting)} in the inbox, {working} at work, {failed} failed"
    why = "; the texts beside them say why" if failed else ""
    yield Finding("watched folder", "ok", f"{text}, below {inbox.folder}{why}")


def _machine(_settings: Settings) -> Iterator[Finding]:
    import psutil

    memory_gb = psutil.virtual_memory().total / 2**30
    state: Literal["ok", "warning"] = "ok" if memory_gb >= LEAST_MEMORY_GB else "warning"
    yield Finding("machine", state, f"{os.cpu_count()} cores, {memory_gb:.1f} GB of memory")


def _prefect(settings: Settings) -> Iterator[Finding]:
    from flows.up import known_server

    api = known_server(settings)
    if api is None:
        yield Finding("prefect", "ok", "no server runs; `emorec analyze` needs none, `emorec up` starts one")
        return
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.runs import connected

    with temporary_settings({PREFECT_API_URL: api}), connected() as runs:
        workers = runs.client.read_workers_for_work_pool("emorec")
        online = [worker for worker in workers if worker.status == "ONLINE"]
        waiting = len(runs.waits_s(datetime.now(UTC)))
    if online:
        text = f"{len(online)} {_many('worker', len(online))} at {api}; {waiting} {_many('run', waiting)} waiting"
        yield Finding("prefect", "ok", text)
    else:
        yield Finding("prefect", "failure", f"{waiting} runs wait at {api} and no worker is there; start `emorec up`")


def _privacy(settings: Settings) -> Iterator[Finding]:
    from flows.pages import LOOPBACK

    operations = settings.operations
    if operations.host not in LOOPBACK:
        text = f"the servers listen on {operations.host}: whoever reaches it sees reports, and is asked for no password"
        yield Finding("privacy", "warning", text)
    keep = settings.retention.keep_days
    kept = f"sessions are kept for {keep} days" if keep else "sessions are kept until they are deleted"
    emotions = "with" if settings.privacy.emotions else "without"
    yield Finding("privacy", "ok", f"mode {settings.privacy.mode}, {emotions} emotions; {kept}")


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())


def _many(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"
