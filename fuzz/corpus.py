#!/usr/bin/env python3
"""Converts between the kept inputs and the folders of libFuzzer.

    corpus.py unpack TARGET FOLDER   write the inputs of seeds/TARGET.txt and corpus/TARGET.txt as files
    corpus.py pack TARGET FOLDER     keep the files of a folder in corpus/TARGET.txt

An input is a line with the escapes of a byte string; `\\e` is the empty one, and `# ` begins a comment.
src/fuzzing/corpus.rs reads the same form.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"e": b"", b"\\": b"\\", b"#": b"#"}


def decode(line: bytes) -> bytes:
    def byte(match: re.Match[bytes]) -> bytes:
        escape = match[1]
        return bytes([int(escape[1:], 16)]) if escape[:1] == b"x" else ESCAPES[escape]

    return re.sub(rb"\\(x..|.)", byte, line)


def encode(data: bytes) -> bytes:
    def escape(match: re.Match[bytes]) -> bytes:
        byte = match[0]
        known = {b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t", b"\\": b"\\\\"}
        return known.get(byte) or b"\\x%02x" % byte[0]

    line = re.sub(rb"[^ -~]|\\", escape, data) or b"\\e"
    return b"\\" + line if line.startswith(b"#") else line


def unpack(target: str, folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("seeds", "corpus"):
        path = HERE / kind / f"{target}.txt"
        lines = path.read_bytes().splitlines() if path.exists() else []
        for number, line in enumerate(lines):
            if line and not line.startswith(b"# "):
                (folder / f"{kind}-{number:05}").write_bytes(decode(line))


def pack(target: str, folder: pathlib.Path) -> None:
    lines = {encode(path.read_bytes()) for path in folder.iterdir()}
    text = b"".join(line + b"\n" for line in sorted(lines, key=lambda line: (len(line), line)))
    (HERE / "corpus" / f"{target}.txt").write_bytes(text)


def main() -> None:
    match sys.argv[1:]:
        case ["unpack", target, folder]:
            unpack(target, pathlib.Path(folder))
        case ["pack", target, folder]:
            pack(target, pathlib.Path(folder))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
