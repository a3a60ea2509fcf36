"""A peer for the benchmark: WHEP by aiortc, as its own examples would write it.

usage: aiortc_whep.py FEED.sdp pass|encode ADDRESS      prints "listening on http://127.0.0.1:PORT/whep"

The feed is H.264 over RTP on loopback. `pass` hands each viewer the packets as they are; `encode` decodes once and
encodes for each viewer, which is what aiortc does with any track that is not told otherwise.
"""

import asyncio
import re
import sys

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRelay

# The one address to use; aioice would leave loopback out.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [sys.argv[3]]

peers = {}


async def whep(offer):
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTrack(relay.subscribe(player.video, buffered=False))
    codecs = RTCRtpSender.getCapabilities("video").codecs
    peer.getTransceivers()[0].setCodecPreferences([c for c in codecs if c.mimeType == "video/H264"])
    await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    number = str(len(peers))
    peers[number] = peer
    return number, peer.localDescription.sdp


async def serve(reader, writer):
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path = head.split(" ")[:2]
        length = int((re.search(r"(?i)content-length: *(\d+)", head) or [0, 0])[1])
        body = (await reader.readexactly(length)).decode()
        if method == "POST" and path == "/whep":
            number, answer = await whep(body)
            lines = f"HTTP/1.1 201 Created\r\nLocation: /whep/{number}\r\nContent-Type: application/sdp\r\n"
        elif method == "DELETE" and path.startswith("/whep/"):
            await peers.pop(path.rsplit("/", 1)[1]).close()
            lines, answer = "HTTP/1.1 200 OK\r\n", ""
        else:
            lines, answer = "HTTP/1.1 404 Not Found\r\n", ""
        writer.write(f"{lines}Content-Length: {len(answer.encode())}\r\nConnection: close\r\n\r\n{answer}".encode())
        await writer.drain()
    finally:
        writer.close()


async def main():
    global player, relay
    options = {"protocol_whitelist": "file,udp,rtp", "fflags": "nobuffer", "reorder_queue_size": "0"}
    player = MediaPlayer(sys.argv[1], format="sdp", options=options, decode=sys.argv[2] == "encode")
    relay = MediaRelay()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}/whep", flush=True)
    await server.serve_forever()


asyncio.run(main())
