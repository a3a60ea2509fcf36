"""aiortc plays the daemon's streams, through nothing but the documented protocol."""

import asyncio
import unittest

from daemon import OPEN, Daemon
from viewer import Refused, Viewer

SOURCES = """
[[source]]
name = "screen"
kind = "test"
pattern = "smpte"
size = "640x360"
[[source]]
name = "camera"
kind = "test"
pattern = "ball"
size = "320x180"
tone = false
"""


def playing(track):
    """Enough frames, and they are not all the same."""
    if track.media == "video":
        return track.frames >= 60 and track.pictures >= 10
    return track.frames >= 50 and track.loudest > 1000


class Aiortc(unittest.IsolatedAsyncioTestCase):
    async def watch(self, daemon, **options):
        try:
            async with Viewer(daemon.url, **options) as viewer:
                await viewer.join()
                await viewer.until(playing, 30, "moving pictures and sound")
                await viewer.leave()
                return viewer
        except (Refused, TimeoutError) as error:
            raise AssertionError(f"{error}\nthe daemon says:\n{daemon.tail()}") from error

    async def test_every_source_plays_in_h264_and_opus(self):
        with Daemon(OPEN + SOURCES) as daemon:
            viewer = await self.watch(daemon)
        self.assertEqual(
            sorted((track.source, track.codec, track.size) for track in viewer.tracks),
            [("camera", "H264", (320, 180)), ("screen", "H264", (640, 360)), ("screen", "opus", None)],
        )
        self.assertEqual([source["name"] for source in viewer.welcome["sources"]], ["screen", "camera"])
        self.assertEqual(daemon.code, 0)

    async def test_a_client_without_h264_gets_vp8(self):
        with Daemon(OPEN + SOURCES) as daemon:
            viewer = await self.watch(daemon, codecs=["VP8"], sources=["camera"])
        self.assertEqual(
            [(track.source, track.codec, track.size) for track in viewer.tracks],
            [("camera", "VP8", (320, 180))],
        )

    async def test_both_codecs_at_once_and_each_viewer_has_its_own(self):
        with Daemon(OPEN + SOURCES) as daemon:
            h264, vp8 = await asyncio.gather(
                self.watch(daemon, codecs=["H264"], sources=["camera"]),
                self.watch(daemon, codecs=["VP8"], sources=["camera"]),
            )
        self.assertEqual([track.codec for track in h264.tracks], ["H264"])
        self.assertEqual([track.codec for track in vp8.tracks], ["VP8"])

    async def test_the_token_opens_an_encrypted_daemon(self):
        config = OPEN.replace("tls = false", "").replace("open = true", "") + SOURCES
        with Daemon(config) as daemon:
            self.assertTrue(daemon.url.startswith("https://"), daemon.url)
            token = daemon.line(r"#token=([\w-]+)").group(1)
            await self.watch(daemon, token=token, sources=["camera"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
