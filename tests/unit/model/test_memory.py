"""Memory that training frees is used again."""

import ctypes
import subprocess
import sys

import pytest

SCRIPT = """
import resource
from model.memory import keep_freed_memory

def pages_fetched():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b"x" * 2**26
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

pages_fetched()
given_back = pages_fetched()
keep_freed_memory()
pages_fetched()
print(given_back, pages_fetched())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc alone can be told to keep memory")
def test_memory_that_was_freed_is_not_fetched_from_the_system_again() -> None:
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stdout
    given_back, kept = map(int, told.split())
    assert kept < given_back / 10
