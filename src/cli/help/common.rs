//! The options that `-h` shows, by task, and its examples.

/// The options: id, task, name of the value (empty: that of the definition) and text.
pub(super) const COMMON: [(&str, &str, &str, &str); 20] = [
    ("execute", SEND, "MESSAGE", "Send MESSAGE; -x @FILE sends a file; repeatable"),
    ("expect", SEND, "MATCHER", "Wait for a matching message before the next -x"),
    ("binary", SEND, "", "Send binary instead of text messages"),
    ("wait", SEND, "SECONDS", "Stay this long after the input ends; -1: no limit"),
    ("count", SEND, "N", "Close and exit 0 after N received messages"),
    ("until", SEND, "MATCHER", "Close and exit 0 when a received message matches"),
    ("max_time", SEND, "SECONDS", "Time limit for the whole run"),
    ("output", SEND, "FORMAT", "Write messages as text, or events as jsonl"),
    ("header", CONNECT, "NAME:VALUE", "Set a request header; repeatable"),
    ("subprotocol", CONNECT, "NAME", "Offer a subprotocol; repeatable"),
    ("origin", CONNECT, "ORIGIN", "Origin header, which some servers require"),
    ("auth", CONNECT, "USER:PASS", "Credentials (Basic or Digest)"),
    ("ca", CONNECT, "FILE", "CAs to trust, not the system's"),
    ("insecure", CONNECT, "", "Skip certificate checks"),
    ("proxy", CONNECT, "URL", "Connect through an HTTP or SOCKS proxy"),
    ("reconnect", CONNECT, "MAX", "Reopen the session when it is lost"),
    ("verbose", WATCH, "", "Show the handshake on stderr; -vv: frames, too"),
    ("frames", WATCH, "", "Show each frame on stderr"),
    ("json", WATCH, "", "Pretty-print JSON messages on a terminal"),
    ("record", WATCH, "FILE", "Record the run; 'sockeye show FILE' shows it"),
];

const SEND: &str = "Send and receive";
const CONNECT: &str = "Connect";
const WATCH: &str = "Watch";

pub(super) const EXAMPLES: &str = "  \
  sockeye wss://example.com/chat
  echo '{\"id\":1}' | sockeye wss://example.com/rpc | jq .
  sockeye --count 1 -x ping ws://localhost:9000 || echo \"no answer: $?\"
";
