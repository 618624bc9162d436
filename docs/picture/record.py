#!/usr/bin/env python3
"""Records a session with the demo and draws it: record.py SOCKEYE OUTPUT.svg

The program runs at a pseudo-terminal; pyte (in a virtual environment of its own, made by
`make picture`) keeps the screen that is drawn in the end.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time
from html import escape

import pyte

ROWS, COLUMNS = 31, 84
# What is typed, and what must be on the screen before the next is.
STEPS = [
    ("", r"^> $"),
    ('{"op": "subscribe", "args": ["ticker.btc"]}\r', r'^< \{"op"'),
    ("/json on\r", "JSON is pretty-printed"),
    ('{"price": 67021.5,\r', "67021.5"),
    ('"sizes": [1, 2], "last": true}\r', r"^< \{(.|\n)*true\n\}"),
    ("/binary 73 6f 63 6b 65 79 65 00\r", r"^< binary(.|\n)*sockeye"),
    ("/ping\r", r"^< pong \("),
    ("/re\t", r"/reconnect"),
    ("\x15half a line stays whi", r"^> half a line stays whi$"),
]
COLOURS = {
    "default": "#d8dee9", "blue": "#81a1c1", "green": "#a3be8c", "magenta": "#b48ead",
    "cyan": "#88c0d0", "red": "#bf616a", "brown": "#ebcb8b",
}
# pyte knows no dim text; this row is.
STATUS = 1
CELL, LINE, MARGIN = 8.4, 18, 16


def record(program):
    home = tempfile.mkdtemp()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(HOME=home, TERM="xterm-256color", SOCKEYE_HISTORY="off")
        os.environ.pop("NO_COLOR", None)
        os.execv(program, [program, "demo"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    for keys, expected in STEPS:
        for key in keys:
            os.write(terminal, key.encode())
            time.sleep(0.01)
        deadline = time.monotonic() + 10
        while True:
            shown = "\n".join(row.rstrip() + " " * (row.rstrip() == ">") for row in screen.display)
            if re.search(expected, shown, re.MULTILINE):
                break
            if time.monotonic() > deadline:
                sys.exit(f"waited for {expected!r}:\n{shown}")
            if select.select([terminal], [], [], 0.1)[0]:
                stream.feed(os.read(terminal, 65536))
        # What still comes belongs to the picture.
        while select.select([terminal], [], [], 0.2)[0]:
            stream.feed(os.read(terminal, 65536))
    os.kill(pid, 15)
    os.waitpid(pid, 0)
    return screen


def draw(screen):
    last = screen.cursor.y
    width, height = COLUMNS * CELL + 2 * MARGIN, (last + 1) * LINE + 2 * MARGIN + 20
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" role="img" aria-label="a session in a terminal">'
    )
    yield f'<rect width="100%" height="100%" rx="8" fill="#2e3440"/>'
    for i, colour in enumerate(("#bf616a", "#ebcb8b", "#a3be8c")):
        yield f'<circle cx="{MARGIN + 6 + i * 20}" cy="{MARGIN}" r="6" fill="{colour}"/>'
    yield (
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" '
        'font-size="14">'
    )
    for y in range(last + 1):
        base = MARGIN + 20 + (y + 1) * LINE - 5
        row, x = screen.buffer[y], 0
        while x < COLUMNS:
            first, start = row[x], x
            while x < COLUMNS and (row[x].fg, row[x].bold) == (first.fg, first.bold):
                x += 1
            text = "".join(row[i].data for i in range(start, x))
            if text.strip():
                start += len(text) - len(text.lstrip())
                # Others would be run together.
                text = text.strip().replace(" ", "\u00a0")
                weight = ' font-weight="bold"' if first.bold else ""
                fill = COLOURS.get(first.fg.removeprefix("bright"), COLOURS["default"])
                dim = ' opacity="0.6"' if y == STATUS else ""
                yield (
                    f'<text x="{MARGIN + start * CELL:.1f}" y="{base}" fill="{fill}"{weight}{dim} '
                    f'textLength="{len(text) * CELL:.1f}">{escape(text)}</text>'
                )
    x, y = MARGIN + screen.cursor.x * CELL, MARGIN + 20 + last * LINE
    yield f'<rect x="{x:.1f}" y="{y}" width="{CELL}" height="{LINE}" fill="#d8dee9"/>'
    yield "</g></svg>"


if __name__ == "__main__":
    program, output = os.path.abspath(sys.argv[1]), sys.argv[2]
    picture = "\n".join(draw(record(program))) + "\n"
    with open(output, "w", encoding="utf-8") as file:
        file.write(picture)
