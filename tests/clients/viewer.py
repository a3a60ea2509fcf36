"""A viewer that is not a browser: docs/protocol.md spoken from Python, with aiortc as WebRTC.

aiortc shares no code with the daemon or with any browser. What it plays here is what the
protocol's documentation promises to anyone.

usage: viewer.py URL [--token TOKEN] [--source NAME]... [--codec NAME]... [--frames N]
Watches until N frames of every track have come, and prints what came.
"""

import argparse
import asyncio
import json
import ssl
import sys
from dataclasses import dataclass, field

import aioice.ice
import websockets
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp

SUBPROTOCOL = "vitrina.v1"

# aioice passes loopback over, and the tests stay on it.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


@dataclass
class Track:
    """What came of one m-line."""

    source: str
    media: str
    codec: str
    frames: int = 0
    size: tuple[int, int] | None = None
    """Video: width and height of the last frame."""
    pictures: int = 0
    """Video: how many frames were plainly other than the one before."""
    loudest: int = 0
    """Audio: the largest sample, of 32767."""
    _last: bytes = field(default=b"", repr=False)

    def take(self, frame):
        self.frames += 1
        if self.media == "video":
            self.size = (frame.width, frame.height)
            # Every 97th luma value: enough to see a change anywhere that matters.
            luma = bytes(frame.planes[0])[::97]
            if self._last:
                changed = sum(abs(a - b) > 24 for a, b in zip(luma, self._last))
                self.pictures += changed * 500 >= len(luma)
            self._last = luma
        else:
            samples = memoryview(bytes(frame.planes[0])).cast("h")
            self.loudest = max(self.loudest, max(samples), -min(samples))


class Refused(Exception):
    """The daemon said `error` or `bye`."""


class Receiving:
    """What comes of a peer connection's tracks."""

    def __init__(self):
        self.tracks = []
        self._tasks = []
        self._news = asyncio.Event()
        """Set whenever a frame or the end has come."""
        self._ended = asyncio.get_running_loop().create_future()

    def receive(self, stream, track):
        self.tracks.append(track)
        self._tasks.append(asyncio.create_task(self._receive(stream, track)))

    async def stop_receiving(self):
        for task in self._tasks:
            task.cancel()

    async def _receive(self, stream, track):
        try:
            while True:
                track.take(await stream.recv())
                self._news.set()
        except MediaStreamError:
            pass

    async def until(self, condition, seconds, what):
        """Waits until `condition(track)` holds for every track."""
        try:
            async with asyncio.timeout(seconds):
                while not all(condition(track) for track in self.tracks):
                    if self._ended.done():
                        self._ended.result()
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {seconds} s: {what}; there is {self.tracks}") from None


class Viewer(Receiving):
    """One connection to the daemon. Use with `async with`."""

    def __init__(self, url, token=None, codecs=("H264", "VP8"), sources=None):
        super().__init__()
        self.url = url.replace("http", "ws", 1).rstrip("/") + "/ws"
        self.token = token
        self.codecs = list(codecs)
        self.sources = sources
        self.welcome = None
        self.offers = 0
        """How often it has been offered media: the first time, and each time that is negotiated anew."""
        self._peer = RTCPeerConnection()
        self._states = {}
        """The last `source` message of each source."""

    async def __aenter__(self):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        tls = None
        if self.url.startswith("wss"):
            # The daemon's certificate is its own; the fingerprint is not what is tested here.
            tls = ssl.create_default_context()
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        self._socket = await websockets.connect(
            self.url, ssl=tls, additional_headers=headers, subprotocols=[SUBPROTOCOL]
        )
        return self

    async def __aexit__(self, *_):
        await self.stop_receiving()
        await self._peer.close()
        await self._socket.close()

    async def _say(self, kind, **values):
        await self._socket.send(json.dumps({"type": kind, **values}))

    async def hear(self, kind):
        """The next message of that kind; others that may come in between are taken in."""
        async for text in self._socket:
            message = json.loads(text)
            if message["type"] == "offer":
                self.offers += 1
            if message["type"] == kind:
                return message
            if message["type"] in ("error", "bye"):
                raise Refused(f"{message['type']}: {message}")
            await self._handle(message)
        raise Refused(f"closed with {self._socket.close_code}: {self._socket.close_reason}")

    async def source(self, name, state, seconds):
        """Waits until the daemon has said that the source is in that state."""
        try:
            async with asyncio.timeout(seconds):
                while (said := self._states.get(name)) is None or said["state"] != state:
                    if self._ended.done():
                        self._ended.result()
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(f"{name} not {state} within {seconds} s; it is {said}") from None
        return said

    async def _handle(self, message):
        if message["type"] == "source":
            self._states[message["name"]] = message
            self._news.set()
        if message["type"] == "candidate":
            text = message["candidate"]
            candidate = candidate_from_sdp(text.removeprefix("candidate:")) if text else None
            if candidate:
                candidate.sdpMLineIndex = message["mline"]
            await self._peer.addIceCandidate(candidate)

    async def join(self):
        """From `hello` to the answer; media comes after it."""
        await self._say("hello", version=1, video_codecs=self.codecs)
        self.welcome = await self.hear("welcome")
        await self._say("join", **({"sources": self.sources} if self.sources else {}))
        offer = await self.hear("offer")
        by_mid = {track["mid"]: track for track in offer["tracks"]}

        await self._peer.setRemoteDescription(RTCSessionDescription(sdp=offer["sdp"], type="offer"))
        for transceiver in self._peer.getTransceivers():
            told = by_mid[transceiver.mid]
            self.receive(transceiver.receiver.track, Track(told["source"], told["media"], told["codec"]))
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        # aiortc does not trickle: its candidates are in the answer.
        await self._say("answer", sdp=self._peer.localDescription.sdp)
        self._tasks.append(asyncio.create_task(self._listen()))

    async def _listen(self):
        try:
            await self.hear("bye")
        except Refused as refused:
            if not self._ended.done():
                self._ended.set_exception(refused)
                self._news.set()

    async def leave(self):
        await self._say("leave")


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--token")
    parser.add_argument("--source", action="append")
    parser.add_argument("--codec", action="append")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()
    async with Viewer(args.url, args.token, args.codec or ("H264", "VP8"), args.source) as viewer:
        await viewer.join()
        await viewer.until(
            lambda track: track.frames >= args.frames, args.seconds, f"{args.frames} frames of each track"
        )
        for track in viewer.tracks:
            print(track)
        await viewer.leave()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
