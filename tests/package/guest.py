"""The camera rig's guest under systemd, told from here what to do."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from agent import PORT as AGENT

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "tests/out/systemd-rig"


def free_port():
    """One that nobody has, by TCP and by UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


class Guest:
    """Booted and answering inside `with`; `port` is forwarded to the same one in it, by TCP and UDP."""

    def __init__(self, seconds):
        self.port = free_port()
        self._agent = free_port()
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.mkdir(parents=True)
        self._said = (OUT / "said").open("w+")
        self._process = subprocess.Popen(
            [
                *(ROOT / "tests/camera-rig/run-in-guest", "-S", "-t", str(seconds), "-m", "3072", "-o", OUT),
                *("-p", f"{self._agent}:{AGENT}", "-p", str(self.port), "-p", f"{self.port}/udp"),
                *("--", sys.executable, "-B", HERE / "agent.py"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._booted(120)
        except BaseException:
            self.end()
            raise

    def _booted(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.run("true", 10)
            except (OSError, ValueError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self._said.seek(0)
                    console = OUT / ".rig/console"
                    tail = console.read_text(errors="replace")[-4000:] if console.exists() else ""
                    raise AssertionError(f"the guest does not answer: {self._said.read()[-2000:]}\n{tail}") from None
                time.sleep(0.2)

    def run(self, command, seconds=120):
        """Runs a shell command in it; what it printed. It has to end well."""
        code, output = self.tried(command, seconds)
        if code != 0:
            raise AssertionError(f"`{command}` ended with {code}: {output}")
        return output.strip()

    def tried(self, command, seconds=120):
        """Its exit code and what it printed."""
        with socket.create_connection(("127.0.0.1", self._agent), timeout=seconds) as connection:
            connection.sendall(json.dumps({"command": command}).encode() + b"\n")
            with connection.makefile() as lines:
                answer = json.loads(lines.readline())
        return answer["code"], answer["output"]

    def end(self):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._said.close()
