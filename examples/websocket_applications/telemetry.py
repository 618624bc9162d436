#!/usr/bin/env python3
"""IoT telemetry: devices report in small binary messages, and the server can reach each of them.

A device behind a router accepts no connections. It opens one, and keeps it: the server sends
commands on it without being asked. Here it throttles the device that becomes too hot.
"""

import struct
import sys
import threading
import time

from sockeyes import clock, connect, milliseconds, serve, time_of

READING = struct.Struct(">HHf")  # number of the device, number of the reading, degrees Celsius
READINGS = 20
TOO_HOT = 70.0
MASK_AND_HEADER_BYTES = 6  # of a client's frame with up to 125 bytes


def run_device(number, session, warming, log):
    """Sends readings. A command changes how fast the device warms up."""
    degrees = 40.0

    def obey():
        nonlocal warming
        command, event = session.receive()
        warming = command["warming"]
        log["delay"] = time_of(event) - command["at"]

    threading.Thread(target=obey, daemon=True).start()
    for reading in range(READINGS):
        degrees += warming
        log["degrees"].append(degrees)
        session.send(READING.pack(number, reading, degrees))
        time.sleep(0.03)


server, url = serve("--input", "jsonl")
logs = {1: {"degrees": []}, 2: {"degrees": []}}
with server, connect(url) as cool, connect(url) as hot:
    for arguments in ((1, cool, 0.5, logs[1]), (2, hot, 6.0, logs[2])):
        threading.Thread(target=run_device, args=arguments, daemon=True).start()
    received, commands, wire = {1: [], 2: []}, 0, 0
    while sum(map(len, received.values())) < 2 * READINGS:
        message, event = server.receive()
        device, reading, degrees = READING.unpack(message)
        wire += event["wire_size"] + MASK_AND_HEADER_BYTES
        received[device].append(degrees)
        if degrees > TOO_HOT and commands == 0:
            commands += 1
            server.send({"warming": -3.0, "at": clock()}, conn=event["conn"])
            print(f"  device {device}: {degrees:.0f} degrees at reading {reading}, throttled")

last = received[2][-1]
print(f"  device 2: {last:.0f} degrees at reading {READINGS - 1}")
if any(received[device] != log["degrees"] for device, log in logs.items()):
    sys.exit("telemetry: the readings are not those that were sent")
if "delay" in logs[1] or "delay" not in logs[2] or last >= TOO_HOT:
    sys.exit("telemetry: the command did not reach the hot device alone")
print(
    f"telemetry: {2 * READINGS} readings in {wire} bytes on the wire; "
    f"the command reached the hot device after {milliseconds(logs[2]['delay'])}"
)
