"""Becomes a command at a new pseudo-terminal: pty.py STREAMS COMMAND ARGUMENT...

STREAMS names the descriptors that are the terminal, such as 012. Stdin is a Unix socket: both ends
of the terminal are sent through it, and a byte that comes back starts the command. Safe Rust can
open no terminal without another crate; the command keeps this process's id.
"""

import fcntl
import os
import signal
import socket
import sys
import termios

streams, command = sys.argv[1], sys.argv[2:]
control = socket.socket(fileno=os.dup(0))
master, slave = os.openpty()
socket.send_fds(control, [b"."], [master, slave])
if not control.recv(1):
    sys.exit("the test has gone")
os.close(master)
os.setsid()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
for stream in streams:
    os.dup2(slave, int(stream))
# Ignored by Python, and inherited.
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.execv(command[0], command)
