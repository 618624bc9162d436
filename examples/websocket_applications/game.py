#!/usr/bin/env python3
"""Game state: the server decides what happens and sends the state to all players at a fixed rate.

Players send only their moves. Both see the same states at the same time, and neither can cheat.
"""

import random
import statistics
import sys
import threading
import time

from sockeyes import connect, milliseconds, serve, time_of

TICK_SECONDS = 0.05
COINS_TO_WIN = 3
SIZE = 8  # the board has this many columns and rows
MAX_TICKS = 400


def play(session, me, states):
    """Walks to the coin; the state says where it is, and when the game is over."""
    while True:
        state, event = session.receive()
        states.append((state, time_of(event)))
        if state["winner"]:
            return
        (x, y), (to_x, to_y) = state["players"][me], state["coin"]
        steps = {"right": to_x > x, "left": to_x < x, "down": to_y > y, "up": to_y < y}
        session.send({"move": next(step for step, is_nearer in steps.items() if is_nearer)})


def collect(server, moves):
    """Keeps the latest move of each player."""
    while True:
        message, event = server.receive()
        moves[event["conn"]] = message["move"]


STEPS = {"right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}
chance = random.Random(3)
server, url = serve("--input", "jsonl")
with server, connect(url) as ann, connect(url) as bob:
    names, seen, moves = ["Ann", "Bob"], ([], []), {}
    players = [
        threading.Thread(target=play, args=(session, me, seen[me]), daemon=True)
        for me, session in enumerate((ann, bob))
    ]
    for thread in (*players, threading.Thread(target=collect, args=(server, moves), daemon=True)):
        thread.start()
    places, coins = [[0, 0], [SIZE - 1, SIZE - 1]], [0, 0]
    coin, winner, ticks = [3, 4], None, 0
    start = time.monotonic()
    while not winner and ticks < MAX_TICKS:
        for me in chance.sample((0, 1), 2):  # neither is always the first to move
            place = places[me]
            step = STEPS.get(moves.pop(me + 1, None), (0, 0))
            place[:] = [min(max(at + by, 0), SIZE - 1) for at, by in zip(place, step)]
            if place == coin:
                coins[me] += 1
                winner = names[me] if coins[me] == COINS_TO_WIN else None
                free = [[x, y] for x in range(SIZE) for y in range(SIZE) if [x, y] not in places]
                coin = chance.choice(free)
                print(f"  tick {ticks}: {names[me]} has {coins[me]}")
                if winner:
                    break
        ticks += 1
        server.send({"players": places, "coin": coin, "coins": coins, "winner": winner})
        time.sleep(max(0, start + ticks * TICK_SECONDS - time.monotonic()))
    for thread in players:
        thread.join(10)

(first, first_times), (second, second_times) = (zip(*states) for states in seen)
if not winner or first != second or len(first) != ticks:
    sys.exit(f"game: {ticks} states were sent, the players saw {len(first)} and {len(second)}")
apart = statistics.median(abs(a - b) for a, b in zip(first_times, second_times))
gap = statistics.median(b - a for a, b in zip(first_times, first_times[1:]))
print(
    f"game: {winner} won {max(coins)}:{min(coins)}; both players saw the same {ticks} states, "
    f"{milliseconds(gap)} after each other and {milliseconds(apart)} apart (medians)"
)
