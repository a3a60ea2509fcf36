"""What the guest does when it is told to: a command a line of JSON, its output a line of JSON.

Run inside the rig's guest. It listens on the guest's own network, which one port of this machine's
loopback leads to.
"""

import json
import socketserver
import subprocess

PORT = 7000


class Told(socketserver.StreamRequestHandler):
    def handle(self):
        told = json.loads(self.rfile.readline())
        done = subprocess.run(
            ["bash", "-c", told["command"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.wfile.write(json.dumps({"code": done.returncode, "output": done.stdout}).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


if __name__ == "__main__":
    Server(("0.0.0.0", PORT), Told).serve_forever()
