"""A real V4L2 device: run inside the rig's guest, with the daemon and a client that is not ours.

usage: tests/camera-rig/run-in-guest -- PYTHON -m unittest discover -s tests/camera-rig
The guest is emulated in software, so that everything takes long there; nothing is big.
"""

import asyncio
import json
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

from daemon import OPEN, VITRINA, Daemon  # noqa: E402
from viewer import Refused, Viewer  # noqa: E402

def camera(device):
    return f"""
[[source]]
name = "camera"
kind = "camera"
device = "{device}"
size = "320x180"
framerate = 30
"""


DRIVER = Path("/sys/bus/platform/drivers/vivid")


def moving(frames=30):
    def condition(track):
        return track.frames >= frames and track.pictures >= 5

    return condition


class Camera(unittest.TestCase):
    def setUp(self):
        nodes = sorted(Path("/dev").glob("video*"))
        self.assertEqual(len(nodes), 1, "there is one camera here")
        self.node = str(nodes[0])

    def test_devices_lists_it_with_its_sizes_and_rates(self):
        done = subprocess.run([VITRINA, "devices", "--json"], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        [camera] = json.loads(done.stdout)["cameras"]
        self.assertEqual((camera["name"], camera["path"]), ("vivid", self.node))
        self.assertNotIn("problem", camera)
        rates = [
            mode["rates"]["listed"]
            for mode in camera["modes"]
            if mode["format"] == {"raw": "YUY2"} and mode["sizes"] == {"one": {"width": 320, "height": 180}}
        ]
        self.assertEqual(len(rates), 1, camera["modes"])
        self.assertIn({"numerator": 30, "denominator": 1}, rates[0])

    def watching(self, scenario, device=None):
        """Runs `scenario(viewer, track)` on a viewer that sees the camera's pictures move."""

        async def run(daemon):
            async with Viewer(daemon.url) as viewer:
                await viewer.join()
                await viewer.until(moving(), 90, "moving pictures")
                [track] = viewer.tracks
                await scenario(viewer, track)
                return track

        with Daemon(OPEN + camera(device or self.node)) as daemon:
            try:
                return asyncio.run(run(daemon))
            except (Refused, TimeoutError) as error:
                self.fail(f"{error}\nthe daemon says:\n{daemon.tail()}")

    async def goes_on(self, viewer, track):
        await viewer.source("camera", "live", 60)
        seen = track.frames
        await viewer.until(lambda track: track.frames >= seen + 30, 60, "pictures after the gap")

    def test_its_pictures_come_at_320x180_and_move(self):
        async def nothing_more(viewer, track):
            pass

        track = self.watching(nothing_more)
        self.assertEqual((track.source, track.codec, track.size), ("camera", "H264", (320, 180)))

    def test_unplugged_it_says_so_and_plugged_in_again_it_goes_on(self):
        async def scenario(viewer, track):
            (DRIVER / "unbind").write_text("vivid.0")
            try:
                lost = await viewer.source("camera", "failed", 30)
            finally:
                (DRIVER / "bind").write_text("vivid.0")
            self.assertIn(lost["cause"], ("lost", "not_found"))
            await self.goes_on(viewer, track)

        # By its name: plugged in while somebody still holds the old node, it gets another one.
        self.watching(scenario, device="vivid")

    def test_frozen_without_an_error_it_is_noticed_and_goes_on_afterwards(self):
        def drop(percentage):
            control = f"percentage_of_dropped_buffers={percentage}"
            subprocess.run(["v4l2-ctl", "-d", self.node, "-c", control], check=True, timeout=30)

        async def scenario(viewer, track):
            drop(100)
            try:
                frozen = await viewer.source("camera", "failed", 60)
            finally:
                drop(0)
            self.assertEqual(frozen["cause"], "stalled")
            await self.goes_on(viewer, track)

        self.watching(scenario)


if __name__ == "__main__":
    unittest.main(verbosity=2)
