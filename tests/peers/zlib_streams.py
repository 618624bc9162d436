"""DEFLATE of permessage-deflate messages with Python's zlib.

Reads lines "inflate BITS HEX" and "deflate BITS LEVEL HEX" and answers each with the result in
hex. A stream continues from line to line for each window (context takeover); "reset" starts new ones.
"""

import sys
import zlib

END = bytes.fromhex("0000ffff")
streams = {}


def inflate(bits, data):
    stream = streams.setdefault((bits, "in"), zlib.decompressobj(wbits=-bits))
    return stream.decompress(data + END)


def deflate(bits, level, data):
    stream = streams.setdefault((bits, "out"), zlib.compressobj(level, zlib.DEFLATED, -bits))
    data = stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)
    return data.removesuffix(END)


for line in sys.stdin:
    match line.rstrip("\n").split(" "):
        case ["inflate", bits, data]:
            answer = inflate(int(bits), bytes.fromhex(data)).hex()
        case ["deflate", bits, level, data]:
            answer = deflate(int(bits), int(level), bytes.fromhex(data)).hex()
        case ["reset"]:
            streams.clear()
            answer = ""
    print(answer, flush=True)
