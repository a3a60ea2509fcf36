"""GStreamer's own WHEP player watches. It takes minutes to build."""

import subprocess
import unittest

from daemon import OPEN, ROOT, Daemon
from test_aiortc import SOURCES

PLAYER = ROOT / "target/whepsrc/debug/whepsrc-player"


class Whepsrc(unittest.TestCase):
    def test_it_plays_pictures_and_sound(self):
        with Daemon(OPEN + SOURCES) as daemon:
            told = subprocess.run(
                [PLAYER, daemon.url + "/whep/screen", "30", "30"], capture_output=True, text=True, timeout=60
            )
            self.assertEqual(told.returncode, 0, f"{told.stderr}\nthe daemon says:\n{daemon.tail()}")
            daemon.line("viewer left")


if __name__ == "__main__":
    unittest.main(verbosity=2)
