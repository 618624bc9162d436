#!/usr/bin/env bash
# A WebSocket client that goes through the protocol once: handshake, text, binary, a message in
# fragments, ping and pong, Close. Usage: websocket_client.sh [URL]
set -euo pipefail
root=$(dirname "${BASH_SOURCE[0]}")/..
PATH=$root/target/release:$root/target/debug:$PATH

# Each line is an action (docs/jsonl.md). --fragment 8 sends at most 8 bytes in a frame.
# -v shows the opening handshake, --frames each frame. Received messages are the lines of stdout.
"${SOCKEYE:-sockeye}" -v --frames --no-compress --fragment 8 --input jsonl "${1-localhost:9000}" <<'ACTIONS'
{"type": "text", "data": "Hello"}
{"type": "binary", "base64": "AAEC/w=="}
{"type": "text", "data": "three frames for this"}
{"type": "ping", "data": "alive?"}
{"type": "wait", "seconds": 0.2}
{"type": "close", "code": 1000, "reason": "done"}
ACTIONS
