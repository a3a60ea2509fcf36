"""A WHEP player: draft-ietf-wish-whep spoken from Python, with aiortc as WebRTC.

usage: whep.py URL [--token TOKEN] [--codec NAME]... [--video N] [--audio N] [--frames N]
Watches until N frames of every m-line that is answered have come, and prints what came.
"""

import argparse
import asyncio
import re
import ssl
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urljoin

from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription

from viewer import Receiving, Track


@dataclass
class Answer:
    """What the daemon said to a request."""

    status: int
    headers: dict
    body: str


def request(method, url, body=None, token=None, **headers):
    """One request; header names are given with `_` in the place of `-`."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    # The daemon's certificate is its own; the fingerprint is not what is tested here.
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    data = None if body is None else body.encode()
    asked = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=30, context=tls) as said:
            return Answer(said.status, said.headers, said.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read().decode())


class Refused(Exception):
    """The daemon answered with another status than the one that was hoped for."""

    def __init__(self, answer):
        super().__init__(f"{answer.status}: {answer.body}")
        self.answer = answer


class Player(Receiving):
    """One session. Use with `async with`."""

    def __init__(self, url, token=None, codecs=("H264", "VP8"), video=1, audio=1, edit=lambda sdp: sdp):
        """`edit` changes the offer as it is sent, and the answer back (`edit.back`), if it has that."""
        super().__init__()
        self.url = url
        self.token = token
        self.edit = edit
        self.offer = None
        self.answer = None
        self.session = None
        self._peer = RTCPeerConnection()
        known = RTCRtpReceiver.getCapabilities("video").codecs
        for _ in range(video):
            transceiver = self._peer.addTransceiver("video", direction="recvonly")
            wanted = [codec for codec in known if codec.name in (*codecs, "rtx")]
            transceiver.setCodecPreferences(wanted)
        for _ in range(audio):
            self._peer.addTransceiver("audio", direction="recvonly")

    async def __aenter__(self):
        await self._peer.setLocalDescription(await self._peer.createOffer())
        self.offer = self.edit(self._peer.localDescription.sdp)
        answer = await self.ask("POST", self.url, self.offer, Content_Type="application/sdp")
        if answer.status != 201:
            await self._peer.close()
            raise Refused(answer)
        self.answer = answer
        self.session = urljoin(self.url, answer.headers["Location"])
        sdp = getattr(self.edit, "back", lambda sdp: sdp)(answer.body)
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))
        for transceiver in self._peer.getTransceivers():
            section = next(part for part in answer.body.split("m=")[1:] if f"a=mid:{transceiver.mid}\r" in part)
            if re.match(r"\w+ 0 ", section):
                continue
            source = re.search(r"a=msid:(\w+)-\w+ ", section).group(1)
            codec = re.search(r"a=rtpmap:\d+ (\w+)/", section).group(1)
            self.receive(transceiver.receiver.track, Track(source, transceiver.kind, codec))
        return self

    async def __aexit__(self, *_):
        await self.stop_receiving()
        await self._peer.close()

    async def ask(self, method, url, body=None, **headers):
        return await asyncio.to_thread(request, method, url, body, self.token, **headers)

    async def leave(self):
        return await self.ask("DELETE", self.session)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--token")
    parser.add_argument("--codec", action="append")
    parser.add_argument("--video", type=int, default=1)
    parser.add_argument("--audio", type=int, default=1)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()
    codecs = args.codec or ("H264", "VP8")
    async with Player(args.url, args.token, codecs, args.video, args.audio) as player:
        await player.until(
            lambda track: track.frames >= args.frames, args.seconds, f"{args.frames} frames of each track"
        )
        for track in player.tracks:
            print(track)
        print((await player.leave()).status)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
