"""Work in a process of its own, which may crash in native code, hang or grow without harm to the one who asked.

Decoders are large C libraries that read what strangers made. Here their end is an error like any other: a line that
says which file it was.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from itertools import pairwise
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar

from emorec.errors import InputError, LimitError
from emorec.memory import note_helper, peak_memory_mb
from emorec.settings.limits import LimitsSettings

if TYPE_CHECKING:
    import psutil

__all__ = ["Isolation", "end_all", "refuse_once_ended", "start_ahead"]

P = ParamSpec("P")
T = TypeVar("T")

POLL_S: Final = 0.5
"""How often one who waits looks at the memory of the process and whether it is alive."""

_CRASHES: Final = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP)
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True)
class _Callback:
    """Stands for a function of the one who asked."""

    number: int


_open: weakref.WeakSet[Isolation] = weakref.WeakSet()
_open_lock = threading.Lock()
_ended = threading.Event()
_ahead: list[tuple[subprocess.Popen[bytes], Connection]] = []


def start_ahead(modules: Sequence[str]) -> None:
    """Start the process that the next :class:`Isolation` takes, which loads ``modules`` while the caller does other
    things. It ends with the one who asked, also unused."""
    _ahead.append(_start(modules))


def end_all() -> None:
    """End every process that works for this one, for one who will not wait for them; none is started any more."""
    _ended.set()
    with _open_lock:
        isolations = list(_open)
    for isolation in isolations:
        isolation.kill()


def refuse_once_ended() -> None:
    """To be called by what waits, and before what takes long.

    Raises:
        KeyboardInterrupt: after :func:`end_all`.
    """
    if _ended.is_set():
        raise KeyboardInterrupt


class Isolation:
    """A process that runs one function after another; a context manager.

    It starts with the first function, keeps what was imported and opened, and is started anew after it has died, also
    where that was between two functions.
    Functions, arguments and results are pickled between the two processes; a callable among the arguments is called
    where it came from.
    """

    def __init__(self, limits: LimitsSettings) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        with _open_lock:
            _open.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def kill(self) -> None:
        """End the process from another thread; the one that waits for it is told that it died."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process; the next function starts another."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None

    def run(self, what: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function there, and give or raise what it gives or raises.

        Args:
            what: that it works on, for messages: a file's name.

        Raises:
            InputError: it crashed in native code.
            LimitError: it took longer, or more memory, than the settings allow, or came to a standstill.
            MemoryError: the system killed the process.
            KeyboardInterrupt: :func:`end_all` was called.
        """
        callbacks: list[Callable[..., object]] = []

        def portable(value: object) -> object:
            if callable(value) and not isinstance(value, type):
                callbacks.append(value)
                return _Callback(len(callbacks) - 1)
            return value

        request = (function, [portable(a) for a in args], {name: portable(v) for name, v in kwargs.items()})
        try:
            connection = self._connected()
            try:
                connection.send(request)
            except ConnectionError:
                raise self._death(what) from None
            kind, value = self._answer(what, connection, callbacks)
        except BaseException:
            # Whatever it is doing now, nobody waits for it.
            self.close()
            raise
        if kind == "failed":
            raise _linked(value)
        result: T = value
        return result

    def _connected(self) -> Connection:
        if self._process is not None and self._process.poll() is not None:
            # It died while nobody asked it for anything: memory was short, say.
            self.close()
        if self._connection is None:
            refuse_once_ended()
            self._process, self._connection = _taken_ahead() or _start()
        # One who ended all of them meanwhile did not see this one.
        refuse_once_ended()
        return self._connection

    def _answer(self, what: str, connection: Connection, callbacks: list[Callable[..., object]]) -> tuple[str, Any]:
        import psutil

        assert self._process is not None
        process = psutil.Process(self._process.pid)
        started_s = moved_s = looked_s = time.monotonic()
        read_bytes = 0
        while True:
            try:
                wait_s = max(0.0, looked_s + POLL_S - time.monotonic())
                said = connection.recv() if connection.poll(wait_s) else None
            except (EOFError, ConnectionError):
                raise self._death(what) from None
            if said is not None:
                kind, value, memory_mb = said
                note_helper(memory_mb)
                if kind != "called":
                    return kind, value
                moved_s = time.monotonic()
                callbacks[value[0]](*value[1])
            now_s = time.monotonic()
            if now_s < looked_s + POLL_S:
                continue
            looked_s = now_s
            try:
                rss_mb, now_read = _of_family(process)
            except psutil.NoSuchProcess:
                raise self._death(what) from None
            if now_read != read_bytes:
                read_bytes, moved_s = now_read, now_s
            self._refuse_excess(what, rss_mb, now_s - started_s, now_s - moved_s)

    def _refuse_excess(self, what: str, rss_mb: float, run_s: float, still_s: float) -> None:
        limits = self._limits
        if rss_mb > limits.max_memory_mb:
            raise LimitError(
                f"{what}: needs more memory than limits.max_memory_mb ({limits.max_memory_mb:,}) allows; "
                "raise it or export the recording smaller"
            )
        if run_s > limits.max_run_h * 3600:
            raise LimitError(
                f"{what}: takes longer than limits.max_run_h ({limits.max_run_h:g} h) allows; "
                "raise it or cut the recording"
            )
        if still_s > limits.max_stall_s:
            raise LimitError(
                f"{what}: came to a standstill, nothing moved for limits.max_stall_s ({limits.max_stall_s:g} s); "
                "export the recording again"
            )

    def _death(self, what: str) -> Exception:
        assert self._process is not None
        code = self._process.wait()
        if -code in _CRASHES:
            name = signal.Signals(-code).name
            return InputError(f"{what}: crashes the decoder ({name}); the file is damaged, export it again")
        if code < 0:
            return MemoryError(f"{what}: its process was killed ({signal.Signals(-code).name}); memory may be short")
        return RuntimeError(f"{what}: its process ended by itself with {code}")


def _taken_ahead() -> tuple[subprocess.Popen[bytes], Connection] | None:
    """A process that was started ahead and lives, for one thread alone."""
    while True:
        try:
            process, connection = _ahead.pop()
        except IndexError:
            return None
        if process.poll() is None:
            return process, connection
        connection.close()


def _of_family(process: psutil.Process) -> tuple[float, int]:
    """The most memory that a process, or one of those that it started, has, 2²⁰ bytes, and how much all of them have
    read, where that is said.

    Each has its own decoder, and it is a decoder that a broken file makes grow; a sum would end a whole recording that
    many workers share, and would count the libraries that they share once for each of them. Reading is moving: a hash
    over a slow share is no standstill.
    """
    import psutil

    rss_bytes = read_bytes = 0
    for member in (process, *process.children(recursive=True)):
        try:
            rss_bytes = max(rss_bytes, member.memory_info().rss)
            read_bytes += member.io_counters().read_chars if hasattr(member, "io_counters") else 0
        except psutil.NoSuchProcess:
            if member is process:
                raise
    return rss_bytes / 2**20, read_bytes


def _linked(chain: list[BaseException]) -> BaseException:
    """An exception with its causes, which pickling drops."""
    for error, cause in pairwise(chain):
        error.__cause__ = cause
    return chain[0]


def _chain(error: BaseException) -> list[BaseException]:
    """An exception, its cause, the cause's cause and so on, as far as they can be pickled."""
    import traceback

    error.add_note("".join(traceback.format_exception(error)))
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None:
        try:
            pickle.loads(pickle.dumps(link))  # noqa: S301 — our own bytes, to see whether they can be read
            chain.append(link)
        except Exception:
            chain.append(RuntimeError(f"{type(link).__name__}: {link}"))
        link = link.__cause__
    return chain


def _serve(connection: Connection) -> None:
    """Run what is asked for until nobody asks any more."""
    while True:
        try:
            function, args, kwargs = connection.recv()
        except (EOFError, ConnectionError):
            return

        def local(value: object) -> object:
            if isinstance(value, _Callback):
                return lambda *given: connection.send(("called", (value.number, given), 0.0))
            return value

        try:
            value = function(*(local(a) for a in args), **{name: local(v) for name, v in kwargs.items()})
            answer = ("done", value, peak_memory_mb())
        except BrokenPipeError:
            return
        except BaseException as error:
            answer = ("failed", _chain(error), peak_memory_mb())
        connection.send(answer)


class _WithoutPandas(MetaPathFinder):
    """Hides pandas, which Arrow loads where it is installed: a quarter of a second and 40 MB that nobody needs here."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:  # noqa: ARG002
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not used in this process", name=fullname)


def _start(modules: Sequence[str] = ()) -> tuple[subprocess.Popen[bytes], Connection]:
    """Start a process, which first loads these modules, and connect to it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-m", "emorec.isolation", str(theirs.fileno()), str(os.getpid()), *modules]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(  # noqa: S603 — our own module
            command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL
        )
        return process, Connection(ours.detach())


def main() -> None:
    """The process's own side."""
    descriptor, parent, *modules = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        # Not to outlive the one who asked, even where native code never looks up.
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return
    sys.meta_path.insert(0, _WithoutPandas())
    # What is loaded stays: nobody need look through it for garbage, neither meanwhile nor ever after.
    gc.disable()
    for module in modules:
        # What cannot be loaded is told to the one who needs it.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    gc.freeze()
    gc.enable()
    with contextlib.suppress(BrokenPipeError):
        _serve(Connection(descriptor))


if __name__ == "__main__":
    # What is pickled names the module's classes; as __main__ they would be others.
    from emorec.isolation import main as main_by_name

    main_by_name()
