"""The daemon as its user starts it, for the tests in Python: a config file and `vitrina run`."""

import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VITRINA = Path(os.environ.get("VITRINA_BINARY", ROOT / "target/debug/vitrina"))

OPEN = """
[server]
listen = "127.0.0.1:0"
tls = false
[access]
open = true
[network]
addresses = ["127.0.0.1"]
"""


class Daemon:
    """Use with `with`: started and listening inside, ended by its own number after."""

    def __init__(self, config):
        self.config = config
        self.lines = []
        self._new = queue.Queue()

    def __enter__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="vitrina-test-"))
        file = self._folder / "vitrina.toml"
        file.write_text(f'state_dir = "{self._folder / "state"}"\n{self.config}')
        self._process = subprocess.Popen(
            self.command(file),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.url = self.line(r"listening on (https?://[^\s\"]+)").group(1).rstrip("/")
        except BaseException:
            self.__exit__()
            raise
        return self

    def command(self, file):
        """How it is started, with that configuration."""
        return [VITRINA, "run", "--config", file]

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._new.put(None)
        self._new.put(None)

    def line(self, pattern, seconds=60):
        """The first line, past or to come, in which the pattern is found."""
        deadline = time.monotonic() + seconds
        seen = 0
        while True:
            for line in self.lines[seen:]:
                seen += 1
                if match := re.search(pattern, line):
                    return match
            ended = self._process.poll() is not None
            try:
                self._new.get(timeout=max(0, min(1, deadline - time.monotonic())))
            except queue.Empty:
                if ended or time.monotonic() > deadline:
                    raise AssertionError(f"no line like {pattern}:\n{self.tail()}") from None

    def tail(self, count=60):
        return "\n".join(self.lines[-count:])

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def code(self):
        """How it ended; None while it runs."""
        return self._process.poll()
