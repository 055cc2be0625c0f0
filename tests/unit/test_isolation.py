"""Work in a process of its own: whatever becomes of that process is an error with a name."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from emorec.errors import InputError, LimitError, StoreError
from emorec.isolation import POLL_S, Isolation, start_ahead
from emorec.settings.limits import LimitsSettings

LIMITS = LimitsSettings()
NAME = "lecture.mp4"


def crash_in_native_code() -> None:
    ctypes.string_at(0)


def end_as_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def grow() -> None:
    kept = bytearray(600 * 2**20)
    for at in range(0, len(kept), 4096):
        kept[at] = 1
    time.sleep(60)


GROW = "import sys; kept = bytes(int(sys.argv[1]) * 2**20).replace(bytes(1), bytes([1])); print(); sys.stdin.read()"


def grow_in_others(of_them: int, each_mb: int) -> int:
    """Processes that have so much each, for as long as it is looked at them some times."""
    command = (sys.executable, "-c", GROW, str(each_mb))
    others = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(of_them)]
    for other in others:
        assert other.stdout is not None
        other.stdout.readline()
    time.sleep(3 * POLL_S)
    for other in others:
        other.communicate()
    return of_them


def talk(tell: Callable[[int], None], times: int, pause_s: float = 0) -> int:
    for number in range(times):
        tell(number)
        time.sleep(pause_s)
    return os.getpid()


def loaded(module: str) -> bool:
    return module in sys.modules


def served() -> list[int]:
    """The processes that work for this one."""
    return [p.pid for p in psutil.Process().children() if "emorec.isolation" in p.cmdline()]


def wait_until_dead(pid: int) -> None:
    # Without taking its end from the one who started it.
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def fail_with_a_cause() -> None:
    raise StoreError("the session cannot be written") from OSError(errno.ENOSPC, "No space left on device")


def test_what_is_called_there_answers_here() -> None:
    heard: list[int] = []
    with Isolation(LIMITS) as process:
        first, second = process.run(NAME, talk, heard.append, 3), process.run(NAME, talk, heard.append, times=2)
    assert heard == [0, 1, 2, 0, 1]
    assert first == second != os.getpid()


def test_a_connection_that_fails_in_what_is_called_here_is_not_taken_for_its_own() -> None:
    def tell(number: int) -> None:
        raise ConnectionResetError(f"no answer to {number}")

    with Isolation(LIMITS) as process, pytest.raises(ConnectionResetError, match="no answer to 0"):
        process.run(NAME, talk, tell, 600, 0.1)


def test_a_crash_in_native_code_is_said_of_the_file_and_the_next_call_works() -> None:
    with Isolation(LIMITS) as process:
        with pytest.raises(InputError, match=r"^lecture\.mp4: crashes the decoder \(SIGSEGV\)"):
            process.run(NAME, crash_in_native_code)
        assert process.run(NAME, os.getpid) != os.getpid()


def test_a_process_that_the_system_killed_may_be_tried_again() -> None:
    with Isolation(LIMITS) as process, pytest.raises(MemoryError, match="SIGKILL"):
        process.run(NAME, end_as_killed)


@pytest.mark.parametrize(
    ("limits", "function", "arguments", "message"),
    [
        pytest.param({"max_stall_s": 0.6}, time.sleep, (60,), "came to a standstill", id="hangs"),
        pytest.param({"max_run_h": 1 / 3600}, talk, (print, 600, 0.1), "takes longer than", id="takes too long"),
        pytest.param({"max_memory_mb": 256}, grow, (), "needs more memory than", id="grows"),
        pytest.param({"max_memory_mb": 256}, grow_in_others, (1, 300), "needs more memory than", id="a worker grows"),
    ],
)
def test_more_than_the_limits_is_ended(
    limits: dict[str, float], function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with Isolation(LimitsSettings(**limits)) as process:
        with pytest.raises(LimitError, match=message):
            process.run(NAME, function, *arguments)
        assert served() == []


def test_several_workers_may_have_more_memory_together_than_each_of_them() -> None:
    with Isolation(LimitsSettings(max_memory_mb=256)) as process:
        assert process.run(NAME, grow_in_others, 2, 150) == 2


def test_work_that_moves_is_no_standstill() -> None:
    with Isolation(LimitsSettings(max_stall_s=0.8)) as process:
        assert process.run(NAME, talk, print, 8, 0.2)


def test_an_error_keeps_its_cause() -> None:
    with Isolation(LIMITS) as process, pytest.raises(StoreError, match="cannot be written") as raised:
        process.run(NAME, fail_with_a_cause)
    assert isinstance(raised.value.__cause__, OSError)
    assert raised.value.__cause__.errno == errno.ENOSPC


def test_the_process_that_was_started_ahead_is_taken_with_what_it_has_loaded() -> None:
    start_ahead(["colorsys", "no_such_module"])
    with Isolation(LIMITS) as process:
        assert process.run(NAME, loaded, "colorsys")
        process.close()
        # The next one is another one.
        assert not process.run(NAME, loaded, "colorsys")


def test_a_process_that_died_between_two_functions_is_started_anew() -> None:
    with Isolation(LIMITS) as process:
        first = process.run(NAME, os.getpid)
        os.kill(first, signal.SIGKILL)
        wait_until_dead(first)
        assert process.run(NAME, os.getpid) != first


def test_a_process_that_died_before_it_was_needed_is_not_taken() -> None:
    start_ahead([])
    [ahead] = served()
    os.kill(ahead, signal.SIGKILL)
    wait_until_dead(ahead)
    with Isolation(LIMITS) as process:
        assert process.run(NAME, os.getpid) not in {os.getpid(), ahead}


def test_of_several_at_once_each_has_a_process_of_its_own() -> None:
    start_ahead([])
    taken: list[int] = []
    together = threading.Barrier(4)

    def run_one() -> None:
        with Isolation(LIMITS) as process:
            together.wait()
            taken.append(process.run(NAME, os.getpid))
            together.wait()

    threads = [threading.Thread(target=run_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 4


def test_once_all_have_been_ended_none_is_started_any_more() -> None:
    program = """
import os
from emorec.isolation import Isolation, end_all
from emorec.settings.limits import LimitsSettings

with Isolation(LimitsSettings()) as running, Isolation(LimitsSettings()) as late:
    running.run("lecture.mp4", os.getpid)
    end_all()
    for process in (running, late):
        try:
            print(process.run("lecture.mp4", os.getpid))
        except KeyboardInterrupt:
            print("stopped")
"""
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["stopped", "stopped"], done.stderr
