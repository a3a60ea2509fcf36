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


async def watch(daemon, **options):
    """Joins, watches until everything plays, and leaves."""
    try:
        async with Viewer(daemon.url, **options) as viewer:
            await viewer.join()
            await viewer.until(playing, 30, "moving pictures and sound")
            await viewer.leave()
            return viewer
    except (Refused, TimeoutError) as error:
        raise AssertionError(f"{error}\nthe daemon says:\n{daemon.tail()}") from error


def carried(viewer):
    return sorted((track.source, track.codec, track.size) for track in viewer.tracks)


class Aiortc(unittest.TestCase):
    def test_every_source_plays_in_h264_and_opus(self):
        with Daemon(OPEN + SOURCES) as daemon:
            viewer = asyncio.run(watch(daemon))
        self.assertEqual(
            carried(viewer),
            [("camera", "H264", (320, 180)), ("screen", "H264", (640, 360)), ("screen", "opus", None)],
        )
        self.assertEqual([source["name"] for source in viewer.welcome["sources"]], ["screen", "camera"])
        self.assertEqual(daemon.code, 0)

    def test_a_client_without_h264_gets_vp8(self):
        with Daemon(OPEN + SOURCES) as daemon:
            viewer = asyncio.run(watch(daemon, codecs=["VP8"], sources=["camera"]))
        self.assertEqual(carried(viewer), [("camera", "VP8", (320, 180))])

    def test_both_codecs_at_once_and_each_viewer_has_its_own(self):
        async def both(daemon):
            return await asyncio.gather(
                watch(daemon, codecs=["H264"], sources=["camera"]),
                watch(daemon, codecs=["VP8"], sources=["camera"]),
            )

        with Daemon(OPEN + SOURCES) as daemon:
            h264, vp8 = asyncio.run(both(daemon))
        self.assertEqual([carried(h264)[0][1], carried(vp8)[0][1]], ["H264", "VP8"])

    def test_the_token_opens_an_encrypted_daemon(self):
        config = OPEN.replace("tls = false", "").replace("open = true", "") + SOURCES
        with Daemon(config) as daemon:
            self.assertTrue(daemon.url.startswith("https://"), daemon.url)
            token = daemon.line(r"#token=([\w-]+)").group(1)
            asyncio.run(watch(daemon, token=token, sources=["camera"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
