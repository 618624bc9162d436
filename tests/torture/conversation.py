"""The list of conversations."""

from typing import Callable, NamedTuple

CONVERSATIONS = []


class Conversation(NamedTuple):
    name: str
    perform: Callable
    # False if the program starts others: only the calls of its main thread then fail.
    threads: bool


def conversation(threads=True):
    """Adds a function to the list. It is given a run, and performs the conversation once."""

    def add(function):
        name = function.__name__.replace("_", " ")
        CONVERSATIONS.append(Conversation(name, function, threads))
        return function

    return add
