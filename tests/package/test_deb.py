"""The Debian package in a clean Debian: installed, run, viewed from outside, and purged.

usage: scripts/chroot SUITE PYTHON -m unittest discover -s tests/package     (with $DEB: the package)
"""

import asyncio
import hashlib
import os
import re
import stat
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

from daemon import OPEN, Daemon  # noqa: E402
from viewer import Viewer  # noqa: E402

ROOT = Path(os.environ["ROOT"])
DEB = Path(os.environ["DEB"])

SOURCES = """
[[source]]
name = "screen"
kind = "test"
pattern = "smpte"
size = "640x360"
"""

# What is not the system's own, and what apt and dpkg write about every package there ever was.
NOT_COMPARED = re.compile(
    r"/(proc|sys|dev|run|tmp|var/log|var/cache/(apt|ldconfig|debconf)|var/lib/apt)(/|$)"
    r"|/var/lib/dpkg/(status|available|triggers|lock|alternatives|diversions|statoverride).*"
    # What passwd keeps of the file before.
    r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-|/etc/\.pwd\.lock"
)


def inside(*command, **options):
    """Runs a command in the other system; its output. Nothing is asked of anybody."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["chroot", ROOT, *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        **options,
    )
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def everything():
    """Every file of the other system: kind and mode, owner, and what is in it."""
    found = {}
    for folder, folders, files in os.walk(ROOT):
        for name in folders + files:
            path = Path(folder, name)
            inner = "/" + str(path.relative_to(ROOT))
            if NOT_COMPARED.fullmatch(inner):
                if name in folders:
                    folders.remove(name)
                continue
            status = path.lstat()
            content = ""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[inner] = (oct(status.st_mode), status.st_uid, status.st_gid, content)
    return found


class Installed(Daemon):
    """The installed daemon with the installed configuration, as the unit starts it."""

    def command(self, file):
        Path(ROOT, "etc/vitrina/vitrina.toml").write_text(self.config)
        for folder in ("var/lib", "var/cache", "run"):
            inside("install", "-d", "-o", "vitrina", "-g", "vitrina", "-m", "700", f"/{folder}/vitrina")
        return [
            "chroot",
            "--userspec=vitrina:vitrina",
            "--groups=video,audio,render",
            ROOT,
            "/usr/bin/env",
            "-i",
            "STATE_DIRECTORY=/var/lib/vitrina",
            "RUNTIME_DIRECTORY=/run/vitrina",
            "XDG_CACHE_HOME=/var/cache/vitrina",
            "/usr/bin/vitrina",
            "run",
        ]


async def moving(daemon):
    async with Viewer(daemon.url) as viewer:
        await viewer.join()
        await viewer.until(
            lambda track: track.pictures >= 10 if track.media == "video" else track.loudest > 1000, 60, "moving pictures"
        )
        await viewer.leave()
        return sorted((track.source, track.codec, track.size) for track in viewer.tracks)


class Package(unittest.TestCase):
    def test_it_is_installed_runs_and_is_purged_without_a_trace(self):
        (ROOT / "tmp/vitrina.deb").write_bytes(DEB.read_bytes())
        inside("apt-get", "update", "-qq")
        field = lambda name: inside("dpkg-deb", "-f", "/tmp/vitrina.deb", name).strip()  # noqa: E731
        # Apart from the package itself, so that only its own traces are looked for.
        inside("apt-get", "satisfy", "-qq", "--yes", field("Depends"))
        before = everything()

        said = inside("apt-get", "install", "-qq", "--yes", "/tmp/vitrina.deb")
        self.assertNotRegex(said, "(?i)error|warning")
        self.files(field("Version"))
        self.user()
        with Installed(OPEN + SOURCES) as daemon:
            self.assertEqual(
                asyncio.run(moving(daemon)), [("screen", "H264", (640, 360)), ("screen", "opus", None)], daemon.tail()
            )
        self.assertEqual(daemon.code, 0, daemon.tail())
        self.assertTrue((ROOT / "var/lib/vitrina").is_dir())

        # Installed again, nothing that was changed since is lost.
        changed = (ROOT / "etc/vitrina/vitrina.toml").read_text()
        inside("apt-get", "install", "-qq", "--yes", "--reinstall", "/tmp/vitrina.deb")
        self.assertEqual((ROOT / "etc/vitrina/vitrina.toml").read_text(), changed)

        # Removed, the person's own stays; purged, nothing does.
        inside("apt-get", "remove", "-qq", "--yes", "vitrina")
        self.assertFalse((ROOT / "usr/bin/vitrina").exists())
        self.assertEqual((ROOT / "etc/vitrina/vitrina.toml").read_text(), changed)
        inside("apt-get", "purge", "-qq", "--yes", "vitrina")
        after = everything()
        left = {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()}
        self.assertEqual({path: pair for path, pair in left.items() if pair[0] != pair[1]}, {})

    def files(self, version):
        self.assertEqual(inside("vitrina", "--version").strip(), f"vitrina {version.split('-')[0]}")
        self.assertIn("no mistakes", inside("vitrina", "check"))
        listed = inside("dpkg", "-L", "vitrina").split()
        for path in (
            "/usr/lib/systemd/system/vitrina.service",
            "/usr/lib/systemd/user/vitrina.service",
            "/usr/lib/sysusers.d/vitrina.conf",
            "/usr/share/man/man1/vitrina.1.gz",
            "/usr/share/man/man1/vitrina-run.1.gz",
            "/usr/share/bash-completion/completions/vitrina",
            "/usr/share/zsh/vendor-completions/_vitrina",
            "/usr/share/fish/vendor_completions.d/vitrina.fish",
            "/usr/share/doc/vitrina/copyright",
            "/usr/share/vitrina/vitrina.toml",
        ):
            self.assertIn(path, listed)
            self.assertTrue((ROOT / path[1:]).stat().st_size > 0, path)
        unit = (ROOT / "usr/lib/systemd/system/vitrina.service").read_text()
        self.assertIn("\nExecStart=/usr/bin/vitrina run\n", unit)
        self.assertNotIn("/usr/local", unit)
        self.assertIn("vitrina\\-run(1)", inside("zcat", "/usr/share/man/man1/vitrina.1.gz"))
        completed = inside(
            "bash", "-c",
            ". /usr/share/bash-completion/completions/vitrina;"
            " COMP_WORDS=(vitrina st) COMP_CWORD=1; _vitrina vitrina st vitrina; echo \"${COMPREPLY[@]}\"",
        )
        self.assertEqual(completed.split(), ["status"])
        # Nobody has asked for it yet.
        self.assertFalse((ROOT / "etc/systemd/system/multi-user.target.wants/vitrina.service").exists())

    def user(self):
        groups = inside("id", "--name", "--groups", "vitrina").split()
        self.assertEqual(sorted(groups), ["audio", "render", "video", "vitrina"])
        entry = inside("getent", "passwd", "vitrina").strip().split(":")
        self.assertLess(int(entry[2]), 1000)
        self.assertEqual(entry[5:], ["/var/lib/vitrina", "/usr/sbin/nologin"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
