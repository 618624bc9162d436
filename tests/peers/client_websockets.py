"""Tests an echo server with Python websockets: client_websockets.py [--compress] URL

With --compress, the server must agree to permessage-deflate for several windows, with and without
context takeover.
"""

import argparse
import asyncio
import os

# Read when websockets is imported. The default limit refuses long messages in small fragments.
os.environ["WEBSOCKETS_MAX_FRAGMENTS"] = str(2**31)

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

MESSAGES = [
    "",
    "hello",
    "aé€😀" * 17_500,
    b"",
    bytes(i * 31 % 251 for i in range(300_000)),
]
FRAGMENTS = ["one é", "two €", "three 😀"]
WINDOWS = [9, 10, 12, 15]


class Wrong(Exception):
    pass


def brief(message):
    kind = "text" if isinstance(message, str) else "binary"
    return f"{kind} of length {len(message)}: {message[:20]!r}"


async def expect_echo(connection, message):
    got = await connection.recv()
    if type(got) is not type(message) or got != message:
        raise Wrong(f"echo of {brief(message)}: got {brief(got)}")


def deflate(bits, forgets):
    return [ClientPerMessageDeflateFactory(forgets, forgets, bits, bits)]


async def talk(url, extensions):
    async with connect(
        url,
        compression=None,
        extensions=extensions,
        max_size=None,
        ping_interval=None,
        proxy=None,
    ) as connection:
        if extensions and not connection.protocol.extensions:
            raise Wrong("no extension was agreed on")
        for message in MESSAGES:
            await connection.send(message)
            await expect_echo(connection, message)

        # websockets ends such a message with an empty fourth fragment.
        await connection.send(FRAGMENTS)
        await expect_echo(connection, "".join(FRAGMENTS))

        await (await connection.ping(b"are you there"))

        await connection.close(1000, "done")
        if connection.close_code != 1000:
            raise Wrong(f"close code: got {connection.close_code}, expected 1000")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compress", action="store_true")
    parser.add_argument("url")
    args = parser.parse_args()

    if args.compress:
        for bits in WINDOWS:
            for forgets in (False, True):
                await talk(args.url, deflate(bits, forgets))
    else:
        await talk(args.url, None)
    print("ok")


try:
    asyncio.run(asyncio.wait_for(main(), 10))
except TimeoutError:
    raise SystemExit("not done within 10 s")
except (OSError, WebSocketException, Wrong) as error:
    raise SystemExit(f"{type(error).__name__}: {error}")
