"""systemd for real: the guest of the camera rig boots into it, the package is installed there, its unit shows
the guest's camera, and what can go wrong goes wrong. Viewed from this machine.

usage: DEB=PACKAGE PYTHON -m unittest discover -s tests/package -p test_systemd.py
Prints a line `RECOVERY fault="..." ms=...` for each fault: until pictures move again for a viewer.
The guest is emulated in software: every start takes many times what it takes elsewhere.
"""

import asyncio
import os
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

import websockets  # noqa: E402
from guest import Guest  # noqa: E402
from viewer import Refused, Viewer  # noqa: E402

DEB = Path(os.environ["DEB"]).resolve()

CONFIG = """
[server]
listen = "0.0.0.0:{port}"
tls = false
[access]
open = true
plain_http = true
[network]
advertise = ["127.0.0.1:{port}"]
[[source]]
name = "camera"
kind = "camera"
device = "vivid"
size = "320x180"
framerate = 15
"""

INSTALL = f"dpkg --admindir=/run/dpkg --force-depends --install {DEB}"

# What a viewer meets while there is no daemon to answer.
AWAY = (OSError, EOFError, Refused, TimeoutError, websockets.WebSocketException)


# The daemon lets go of a client that is silent for five seconds.
AWAY_S = 8


def moving(since=0):
    return lambda track: track.frames >= since + 10 and track.pictures >= 3


class Systemd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.guest = Guest(seconds=1500)
        cls.addClassCleanup(cls.guest.end)
        cls.url = f"http://127.0.0.1:{cls.guest.port}"
        # As a machine's udev does while it boots: the device gets its name and its group.
        cls.guest.run("systemctl start systemd-udevd && udevadm trigger --action=add -s video4linux && udevadm settle -t 60")
        # In a database of its own: this machine's is slow to read through the rig. That what it depends on is
        # enough is shown in clean systems (test_deb.py).
        cls.guest.run("mkdir -p /run/dpkg/info /run/dpkg/updates && touch /run/dpkg/status")
        cls.guest.run(INSTALL, 120)
        config = CONFIG.format(port=cls.guest.port)
        cls.guest.run(f"cat > /etc/vitrina/vitrina.toml <<'E'\n{config}\nE")
        cls.guest.run("systemctl start vitrina", 200)

    def show(self, name):
        return self.guest.run(f"systemctl show --value --property {name} vitrina")

    def log(self):
        return self.guest.run("journalctl --unit vitrina --output cat --lines 60 --no-pager")

    def sees(self, scenario=None, seconds=240):
        """Joins, as often as it takes, until the camera's pictures move; then the scenario runs. Returns when
        pictures moved."""

        async def one():
            async with Viewer(self.url) as viewer:
                await viewer.join()
                await viewer.until(moving(), 120, "moving pictures")
                moved = time.monotonic()
                try:
                    await (scenario(viewer) if scenario else asyncio.sleep(0))
                except AWAY as error:
                    raise AssertionError(f"{error!r}\n{self.log()}") from error
                return moved

        async def until_it_does():
            deadline = time.monotonic() + seconds
            while True:
                try:
                    return await one()
                except AWAY as error:
                    if time.monotonic() > deadline:
                        raise AssertionError(f"no pictures in {seconds} s: {error!r}\n{self.log()}") from error
                    await asyncio.sleep(0.1)

        return asyncio.run(until_it_does())

    def recovery(self, fault, begun):
        print(f'RECOVERY fault="{fault}" ms={round((self.sees() - begun) * 1000)}', flush=True)

    def test_the_camera_is_seen_and_the_unit_is_hardened(self):
        self.sees()
        self.assertEqual(self.show("ActiveState"), "active")
        self.assertEqual(self.guest.run("stat --format %U /proc/$(systemctl show --value -p MainPID vitrina)"), "vitrina")
        said = self.guest.run("systemd-analyze security --no-pager --threshold=30 vitrina")
        print(said.splitlines()[-1])

    def test_killed_it_is_started_again(self):
        self.sees()
        before, starts = self.show("MainPID"), int(self.show("NRestarts"))
        begun = time.monotonic()
        self.guest.run("systemctl kill --signal KILL vitrina")
        self.recovery("daemon killed", begun)
        self.assertNotEqual(self.show("MainPID"), before)
        self.assertEqual(int(self.show("NRestarts")), starts + 1)

    def test_hung_it_is_ended_by_the_watchdog_and_started_again(self):
        self.sees()
        before = self.show("MainPID")
        begun = time.monotonic()
        self.guest.run("systemctl kill --signal STOP vitrina")
        self.recovery("daemon hung", begun)
        self.assertNotEqual(self.show("MainPID"), before)
        self.assertIn("Watchdog timeout", self.log())

    def test_without_a_network_it_goes_on_when_that_is_back(self):
        async def cut(viewer):
            seen = viewer.tracks[0].frames
            ip = "/run/busybox ip"
            self.guest.run(
                f"systemd-run --collect bash -c '{ip} link set eth0 down; sleep {AWAY_S};"
                f" {ip} link set eth0 up; {ip} route add default via 10.0.2.2'"
            )
            await asyncio.sleep(AWAY_S)
            # There was a gap at all.
            self.assertLess(viewer.tracks[0].frames - seen, AWAY_S * 10)

        before = self.show("MainPID")
        self.sees(cut)
        self.recovery(f"network away for {AWAY_S} s", time.monotonic())
        self.assertEqual(self.show("MainPID"), before)

    def test_with_a_full_disk_it_goes_on_and_says_so(self):
        run = self.guest.run
        run("systemctl stop vitrina")
        run("mount -t tmpfs -o size=256k,mode=700 state /var/lib/vitrina && chown vitrina:vitrina /var/lib/vitrina")
        run("systemctl start vitrina", 200)

        async def fill(viewer):
            seen = viewer.tracks[0].frames
            self.guest.tried("dd if=/dev/zero of=/var/lib/vitrina/filled bs=4k status=none")
            self.assertEqual(run("df --output=avail /var/lib/vitrina | tail -n 1"), "0")
            code, said = self.guest.tried("vitrina pause camera")
            print("pause on a full disk:", code, said)
            self.guest.tried("vitrina resume camera")
            await viewer.until(moving(seen + 30), 120, "pictures with a full disk")

        self.sees(fill)
        self.assertIn("No space left", self.log())
        # Nor does a start need what it cannot write.
        begun = time.monotonic()
        run("systemctl restart vitrina", 200)
        self.recovery("restarted with a full disk", begun)
        run("rm /var/lib/vitrina/filled; systemctl stop vitrina; umount /var/lib/vitrina; systemctl start vitrina", 200)
        self.sees()

    def test_upgraded_it_is_started_again_and_stopped_it_stays_so(self):
        self.sees()
        before = self.show("MainPID")
        begun = time.monotonic()
        self.guest.run(INSTALL, 200)
        self.recovery("package upgraded", begun)
        self.assertNotEqual(self.show("MainPID"), before)

        self.guest.run("systemctl stop vitrina")
        self.guest.run(INSTALL, 200)
        self.assertEqual(self.show("ActiveState"), "inactive")
        self.guest.run("systemctl start vitrina", 200)

    def test_limits_are_honoured(self):
        run = self.guest.run
        run("systemctl set-property --runtime vitrina CPUQuota=50% MemoryMax=600M")
        group = "/sys/fs/cgroup" + self.show("ControlGroup")
        self.assertEqual(run(f"cat {group}/cpu.max {group}/memory.max").split(), ["50000", "100000", str(600 << 20)])

        async def half(viewer):
            used = lambda: int(run(f"sed -n 's/usage_usec //p' {group}/cpu.stat"))  # noqa: E731
            begun, before = time.monotonic(), used()
            await asyncio.sleep(10)
            share = (used() - before) / 1e6 / (time.monotonic() - begun)
            print(f"CPUQuota=50%: {share:.2f} of a processor, {run(f'cat {group}/memory.current')} bytes")
            self.assertLess(share, 0.6)
            seen = viewer.tracks[0].frames
            await viewer.until(moving(seen), 120, "pictures with half a processor")

        starts = self.show("NRestarts")
        self.sees(half)
        self.assertEqual(self.show("NRestarts"), starts)
        run("systemctl set-property --runtime vitrina CPUQuota= MemoryMax=600M")

        # Less than it needs: ended by the kernel, and started again. Enough again: pictures.
        run(f"systemctl set-property --runtime vitrina MemoryMax=$(($(cat {group}/memory.current) / 4))")
        deadline = time.monotonic() + 60
        while self.show("NRestarts") == starts:
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.5)
        self.assertIn("oom-kill", self.log())
        begun = time.monotonic()
        run("systemctl set-property --runtime vitrina MemoryMax=infinity")
        self.recovery("out of memory", begun)


if __name__ == "__main__":
    unittest.main(verbosity=2)
