#!/usr/bin/env python3
"""Market data with order entry: prices arrive by themselves, and orders leave on the same connection.

The server sends each change of the price to all traders. A trader who sees the price he waits for
sends an order at once, and only he receives its execution. `trading_feed` measures this against
HTTP polling: cargo run --example trading_feed
"""

import statistics
import sys
import threading
import time

from sockeyes import clock, connect, milliseconds, serve, time_of

PRICES = [100, 101, 103, 102, 99, 98, 97, 99, 101, 104, 105, 103]
ORDERS = {"Ann": ("buy", 98), "Bob": ("sell", 104)}


def trade(name, session, log):
    """Follows the price, orders once at the limit, and waits for the execution."""
    side, limit = ORDERS[name]
    ordered_at = None
    while len(log["prices"]) < len(PRICES) or "execution" not in log:
        message, event = session.receive()
        if "executed" in message:
            log["execution"] = message
            log["round trip"] = time_of(event) - ordered_at
            continue
        price = message["price"]
        log["prices"].append(price)
        log["delays"].append(time_of(event) - message["at"])
        if ordered_at is None and (price <= limit if side == "buy" else price >= limit):
            ordered_at = clock()
            session.send({"order": side, "price": price, "amount": 10})


def execute(server, book):
    """Answers each order to the client that sent it."""
    while len(book) < len(ORDERS):
        order, event = server.receive()
        book.append(order)
        executed = {"executed": order["order"], "price": order["price"], "id": len(book)}
        server.send(executed, conn=event["conn"])


server, url = serve("--input", "jsonl")
book, logs = [], {name: {"prices": [], "delays": []} for name in ORDERS}
with server, connect(url) as ann, connect(url) as bob:
    traders = zip(ORDERS, (ann, bob))
    threads = [threading.Thread(target=trade, args=(name, it, logs[name])) for name, it in traders]
    threads.append(threading.Thread(target=execute, args=(server, book)))
    for thread in threads:
        thread.daemon = True
        thread.start()
    for price in PRICES:
        server.send({"price": price, "at": clock()})
        time.sleep(0.05)
    for thread in threads:
        thread.join(10)

for name, log in logs.items():
    if log["prices"] != PRICES:
        sys.exit(f"market: {name} saw the prices {log['prices']}")
    if log.get("execution", {}).get("executed") != ORDERS[name][0]:
        sys.exit(f"market: the order of {name} was not executed")
    print(f"  {name}: {log['execution']['executed']} at {log['execution']['price']}")
delay = statistics.median(delay for log in logs.values() for delay in log["delays"])
slowest = max(log["round trip"] for log in logs.values())
print(
    f"market: {len(PRICES)} prices reached 2 traders, after {milliseconds(delay)} (median); "
    f"{len(book)} orders were executed, the slower one {milliseconds(slowest)} after it was sent"
)
