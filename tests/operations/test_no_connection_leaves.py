"""No connection leaves the machine, and nothing of the store is ever unpickled."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from up_process import started

from tests.builders import write_session
from tests.clips import write_clip
from tests.commands import run_emorec

# A network of its own: loopback, and a way out that leads nowhere but counts what is sent; names are asked for there.
ALONE = """
set -e
mount --bind "$1" /etc/resolv.conf
ip link set lo up
ip link add out type veth peer name nowhere
ip link set nowhere up
[ -e /proc/sys/net/ipv6 ] && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
ip address add 192.0.2.1/24 dev out
ip link set out up arp off
ip route add default dev out
shift
exec "$@"
"""


def sent(process: int) -> int:
    """The packets that a process's network has sent out."""
    for line in Path(f"/proc/{process}/net/dev").read_text().splitlines():
        name, _, figures = line.partition(":")
        if name.strip() == "out":
            return int(figures.split()[9])
    raise AssertionError("there is no way out")


@pytest.fixture
def alone(tmp_path: Path) -> list[str]:
    """A command that runs another in a network of its own."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 192.0.2.53\noptions timeout:1 attempts:1\n")
    command = ["unshare", "--net", "--mount", "sh", "-c", ALONE, "sh", str(resolver)]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True) if os.geteuid() == 0 else None
    if tried is None or tried.returncode or not shutil.which("unshare"):
        pytest.skip("a network of its own cannot be made here (root, unshare and ip are needed)")
    return command


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_no_connection_leaves_the_machine(tmp_path: Path, alone: list[str]) -> None:
    site = tmp_path / "site"
    site.mkdir()
    with started(site, prefix=alone) as up:
        up.drop(write_clip(tmp_path / "clip.mp4", seconds=3), "lecture.mp4")
        state, note = up.outcome("lecture.mp4")
        assert state == "done", note
        assert sent(up.process.pid) == 0
        # That it would have been seen: somebody asks for a name.
        asks = "import socket\ntry: socket.getaddrinfo('api.prefect.io', 443)\nexcept OSError: pass"
        subprocess.run(["nsenter", "-t", str(up.process.pid), "-n", "-m", "python3", "-c", asks], check=True)
        assert sent(up.process.pid) > 0


NO_PICKLE = """
import os, sys
def refuse(event, args):
    # Babel keeps what it knows of languages so, in its own package.
    if event == "pickle.find_class" and not args[0].startswith("babel."):
        os.write(2, f"unpickles {args}\\n".encode())
        os._exit(3)
sys.addaudithook(refuse)
"""


@pytest.mark.parametrize(
    "command", [("report", "SESSION"), ("index",), ("delete", "SESSION", "--yes")], ids=lambda command: command[0]
)
def test_nothing_of_the_store_is_unpickled(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_PICKLE)
    session = write_session(tmp_path / "emorec-store", participants=2, minutes=1)
    words = [session.id if word == "SESSION" else word for word in command]
    done = run_emorec(*words, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PREFECT_API_URL": ""})
    assert done.code == 0, done.err
