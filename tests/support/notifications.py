"""A desktop that shows notifications: takes them on the session bus and prints each as a line of JSON.

The first line is the address of the bus. Needs Debian's python3-gi, and is run inside of
dbus-run-session. Ends with its standard input.
"""

import json
import os
import sys
import threading

from gi.repository import Gio, GLib

INTERFACE = """
<node><interface name="org.freedesktop.Notifications"><method name="Notify">
  <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
  <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
  <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/>
</method></interface></node>
"""


def called(_connection, _sender, _path, _interface, _method, parameters, invocation):
    program, _replaces, _icon, summary, body, *_rest = parameters.unpack()
    print(json.dumps({"program": program, "summary": summary, "body": body}), flush=True)
    invocation.return_value(GLib.Variant("(u)", (1,)))


def owned(_connection, _name):
    print(os.environ["DBUS_SESSION_BUS_ADDRESS"], flush=True)


def registered(connection, _name):
    interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
    connection.register_object("/org/freedesktop/Notifications", interface, called)


loop = GLib.MainLoop()
Gio.bus_own_name(Gio.BusType.SESSION, "org.freedesktop.Notifications", 0, registered, owned, None)


def wait():
    sys.stdin.read()
    loop.quit()


threading.Thread(target=wait, daemon=True).start()
loop.run()
