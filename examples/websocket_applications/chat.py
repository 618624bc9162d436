#!/usr/bin/env python3
"""Live chat: the server passes each message to everybody else at once.

The server is `sockeye listen --broadcast`. Nobody asks for messages: they arrive.
"""

import sys

from sockeyes import clock, connect, milliseconds, serve, time_of

TALK = [
    ("Ann", "Is the release out?"),
    ("Bob", "In a minute. The tests are running."),
    ("Bob", "They passed."),
    ("Ann", "Then I write the notes."),
    ("Bob", "Thank you."),
    ("Ann", "Done."),
]

server, url = serve("--broadcast")
with server, connect(url) as ann, connect(url) as bob:
    people = {"Ann": ann, "Bob": bob}
    heard, delays = [], []
    for name, text in TALK:
        sent = clock()
        people[name].send({"from": name, "text": text})
        other = bob if name == "Ann" else ann
        message, event = other.receive()
        heard.append((message["from"], message["text"]))
        delays.append(time_of(event) - sent)
        print(f"  {message['from']}: {message['text']}")
    for person in people.values():
        person.close()

if heard != TALK:
    sys.exit(f"chat: the other person read {heard}")
print(
    f"chat: {len(heard)} messages between 2 people, each received once and in order, "
    f"the slowest after {milliseconds(max(delays))}"
)
