#!/usr/bin/env bash
# A WebSocket server that shows the protocol: each request, each frame, and how each session ends.
# It sends every message back. Usage: websocket_server.sh [PORT]
set -euo pipefail
root=$(dirname "${BASH_SOURCE[0]}")/..
PATH=$root/target/release:$root/target/debug:$PATH

# --echo   sends each message back to the client that sent it
# --frames shows each frame: direction, time, opcode, flags, payload + header bytes, payload
# -v       shows the client's request, what was agreed, and the two Closes
exec "${SOCKEYE:-sockeye}" listen "${1-9000}" --echo --frames -v
