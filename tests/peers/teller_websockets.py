"""Sends texts with Python websockets and prints what is received, one line a message, then the code and
reason of the end: teller_websockets.py [--compress] URL COUNT END TEXT...

After COUNT messages it closes with 4002 if END is "close", ends TCP if it is "abort", and waits for the
server if it is "wait". A violation of the server is the end "sent CODE", the code with which it was
answered.
"""

import argparse
import asyncio
import sys
import time

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def talk(args):
    connection = await connect(
        args.url,
        compression="deflate" if args.compress else None,
        ping_interval=None,
        proxy=None,
    )

    async def finish():
        if args.end == "close":
            await connection.close(4002, "mine")
        elif args.end == "abort":
            connection.transport.abort()

    try:
        sent_at = time.monotonic()
        for text in args.texts:
            await connection.send(text)
        received = 0
        if args.count == 0:
            await finish()
        async for message in connection:
            print(message)
            if received == 0:
                print(round((time.monotonic() - sent_at) * 1000), file=sys.stderr)
            received += 1
            if received == args.count:
                await finish()
    except ConnectionClosed:
        pass
    await connection.wait_closed()
    sent, rcvd = connection.protocol.close_sent, connection.protocol.close_rcvd
    if sent and sent.code == 1007:
        print("sent 1007")
    else:
        print(f"{connection.close_code} {connection.close_reason}".strip())


parser = argparse.ArgumentParser()
parser.add_argument("--compress", action="store_true")
parser.add_argument("url")
parser.add_argument("count", type=int)
parser.add_argument("end")
parser.add_argument("texts", nargs="*")
asyncio.run(asyncio.wait_for(talk(parser.parse_args()), 10))
