"""aiortc watches by WHEP: its own payload types and extension ids are what it is sent."""

import asyncio
import re
import unittest

from daemon import OPEN, Daemon
from test_aiortc import SOURCES, carried, playing
from whep import Player, Refused, request

CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"


async def watch(daemon, path="/whep", **options):
    """Watches until everything plays, and leaves."""
    try:
        async with Player(daemon.url + path, **options) as player:
            await player.until(playing, 30, "moving pictures and sound")
            left = await player.leave()
            assert left.status == 200, left
            return player
    except (Refused, TimeoutError) as error:
        raise AssertionError(f"{error}\nthe daemon says:\n{daemon.tail()}") from error


class WithExtension:
    """Offers the time of capture under an id of its own."""

    def __init__(self, number):
        self.number = number

    def __call__(self, sdp):
        return sdp.replace("a=setup:", f"a=extmap:{self.number} {CAPTURE_TIME}\r\na=setup:")


class Whep(unittest.TestCase):
    def test_every_source_plays_in_h264_and_opus(self):
        with Daemon(OPEN + SOURCES) as daemon:
            player = asyncio.run(watch(daemon, video=2, edit=WithExtension(9)))
            self.assertEqual(request("DELETE", player.session).status, 404)
            daemon.line("viewer left")
        self.assertEqual(
            carried(player),
            [("camera", "H264", (320, 180)), ("screen", "H264", (640, 360)), ("screen", "opus", None)],
        )
        self.assertEqual(player.answer.body.count(f"a=extmap:9 {CAPTURE_TIME}"), 3)
        offered = dict(re.findall(r"a=rtpmap:(\d+) (\w+/\d+)", player.offer))
        for number, encoding in re.findall(r"a=rtpmap:(\d+) (\w+/\d+)", player.answer.body):
            self.assertEqual(offered[number].lower(), encoding.lower())

    def test_one_source_plays_in_vp8_for_a_client_without_h264(self):
        with Daemon(OPEN + SOURCES) as daemon:
            player = asyncio.run(watch(daemon, "/whep/camera", codecs=["VP8"], audio=0))
        self.assertEqual(carried(player), [("camera", "VP8", (320, 180))])

    def test_a_source_without_sound_rejects_the_offered_sound(self):
        with Daemon(OPEN + SOURCES) as daemon:
            player = asyncio.run(watch(daemon, "/whep/camera"))
        self.assertEqual(carried(player), [("camera", "H264", (320, 180))])
        self.assertRegex(player.answer.body, r"m=audio 0 ")

    def test_the_token_opens_an_encrypted_daemon(self):
        config = OPEN.replace("tls = false", "").replace("open = true", "") + SOURCES
        with Daemon(config) as daemon:
            token = daemon.line(r"#token=([\w-]+)").group(1)
            with self.assertRaises(Refused) as refused:
                asyncio.run(self.enter(daemon.url + "/whep", "not-the-token-not-the-token"))
            self.assertEqual(refused.exception.answer.status, 401)
            asyncio.run(watch(daemon, "/whep/camera", token=token, audio=0))

    async def enter(self, url, token):
        async with Player(url, token=token):
            pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
