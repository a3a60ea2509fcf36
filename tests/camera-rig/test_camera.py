"""A real V4L2 device: run inside the rig's guest, with the daemon and a client that is not ours.

usage: tests/camera-rig/run-in-guest -- PYTHON -m unittest discover -s tests/camera-rig
The guest is emulated in software, so that everything takes long there; nothing is big.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
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
AWAY = 4
"""Seconds for which a device is not there: then the pauses between two starts are longer than what is promised."""
BACK_WITHIN = float(os.environ.get("VITRINA_RIG_BACK_S", 15))
"""Seconds. Promised are two, on a machine; here a processor is emulated, and to start an encoder alone takes seconds
where the machine around it is busy. What it took is told."""


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

    async def back(self, viewer, fault):
        """From now on the device is back: the picture follows, and how soon is told."""
        [track] = viewer.tracks
        begun, seen = time.monotonic(), track.frames
        await viewer.until(lambda track: track.frames >= seen + 2, 60, f"pictures after: {fault}")
        took = time.monotonic() - begun
        print(f'RECOVERY fault="{fault}" ms={took * 1000:.0f}', flush=True)
        self.assertLess(took, BACK_WITHIN, fault)
        await viewer.source("camera", "live", 10)

    async def fails(self, viewer, *causes):
        failed = await viewer.source("camera", "failed", 60)
        self.assertIn(failed["cause"], causes)

    def test_its_pictures_come_at_320x180_and_move(self):
        async def nothing_more(viewer, track):
            pass

        track = self.watching(nothing_more)
        self.assertEqual((track.source, track.codec, track.size), ("camera", "H264", (320, 180)))

    def test_a_viewer_stays_while_it_is_busy_frozen_unplugged_and_back_under_another_number(self):
        """The config has its number, as most have; offered once, the viewer is offered nothing more."""

        async def run(daemon):
            holder = subprocess.Popen(
                ["v4l2-ctl", "-d", self.node, "--stream-mmap", "--stream-count=0"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            try:
                # A sign for each picture that it takes.
                self.assertTrue(holder.stdout.read(1))
                async with Viewer(daemon.url) as viewer:
                    await viewer.join()
                    await self.fails(viewer, "busy")
                    await asyncio.sleep(AWAY)
                    holder.kill()
                    holder.wait()
                    await self.back(viewer, "camera busy")
                    await self.frozen(viewer)
                    await self.unplugged(viewer)
                    self.assertEqual(viewer.offers, 1)
            finally:
                holder.kill()
                holder.wait()
                holder.stdout.close()

        with Daemon(OPEN + camera(self.node)) as daemon:
            try:
                asyncio.run(run(daemon))
            except (Refused, TimeoutError, AssertionError) as error:
                self.fail(f"{error}\nthe daemon says:\n{daemon.tail()}")

    async def frozen(self, viewer):
        def drop(percentage):
            control = f"percentage_of_dropped_buffers={percentage}"
            subprocess.run(["v4l2-ctl", "-d", self.node, "-c", control], check=True, timeout=30)

        drop(100)
        try:
            await self.fails(viewer, "stalled")
            await asyncio.sleep(AWAY)
        finally:
            drop(0)
        await self.back(viewer, "camera frozen")

    async def unplugged(self, viewer):
        # While somebody holds the old node, the camera gets another one.
        held = os.open(self.node, os.O_RDWR)
        try:
            (DRIVER / "unbind").write_text("vivid.0")
            try:
                await self.fails(viewer, "lost")
                await asyncio.sleep(AWAY)
            finally:
                (DRIVER / "bind").write_text("vivid.0")
            self.assertNotEqual([str(node) for node in Path("/dev").glob("video*")], [self.node])
            await self.back(viewer, "camera unplugged")
        finally:
            os.close(held)


if __name__ == "__main__":
    unittest.main(verbosity=2)
