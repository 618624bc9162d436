#!/usr/bin/env python3
"""Collaborative editing: two people change one text at the same time, and both end with the same.

Each word has a key between those of its neighbours, and the words are shown in the order of their
keys. An edit names keys, not positions, so that edits of both people have the same result in any
order. The server only passes them on: `sockeye listen --broadcast`.
"""

import fractions
import sys

from sockeyes import connect, serve


class Document:
    """The text as one person sees it. A key is a fraction and the person who chose it."""

    def __init__(self, person, session):
        self.person, self.session = person, session
        words = "The fox jumps over the dog".split()
        self.words = {(fractions.Fraction(at), ""): word for at, word in enumerate(words)}

    def text(self):
        return " ".join(self.words[key] for key in sorted(self.words))

    def insert(self, word, after):
        """Inserts a word after another one, and tells the others."""
        keys = sorted(self.words)
        at = next(at for at, key in enumerate(keys) if self.words[key] == after)
        end = keys[at + 1][0] if at + 1 < len(keys) else keys[at][0] + 1
        self.edit({"key": [str((keys[at][0] + end) / 2), self.person], "word": word})

    def remove(self, word):
        """Removes a word, and tells the others."""
        place, person = next(key for key in sorted(self.words) if self.words[key] == word)
        self.edit({"key": [str(place), person]})

    def edit(self, change):
        self.apply(change)
        self.session.send(change)

    def apply(self, change):
        place, person = change["key"]
        key = (fractions.Fraction(place), person)
        if "word" in change:
            self.words[key] = change["word"]
        else:
            self.words.pop(key, None)  # both may have removed it

    def follow(self, edits):
        """Applies this number of edits by the others."""
        for _ in range(edits):
            self.apply(self.session.receive()[0])


server, url = serve("--broadcast")
with server, connect(url) as first, connect(url) as second:
    ann, bob = Document("Ann", first), Document("Bob", second)
    # Neither has received an edit of the other yet: all of these are concurrent.
    ann.insert("quick", after="The")
    bob.insert("brown", after="The")
    ann.insert("lazy", after="the")
    bob.remove("over")
    ann.remove("over")
    bob.insert("past", after="jumps")
    concurrent = (ann.text(), bob.text())
    ann.follow(3)
    bob.follow(3)
    # This one builds on an edit of the other.
    bob.insert("very", after="the")
    ann.follow(1)
    first.close()
    second.close()

print(f"  Ann saw: {concurrent[0]}\n  Bob saw: {concurrent[1]}\n  both:    {ann.text()}")
if concurrent[0] == concurrent[1] or ann.text() != bob.text():
    sys.exit(f"editing: Ann has {ann.text()!r}, Bob has {bob.text()!r}")
print(f"editing: 7 edits, 6 of them concurrent: both people have the same {len(ann.words)} words")
