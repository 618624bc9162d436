//! The options that `-h` shows, by task, and its examples.

/// An option: id, task, name of the value (empty: that of the definition) and text (empty: that of
/// the definition).
pub(super) type ShownOption = (&'static str, &'static str, &'static str, &'static str);

/// The options of `sockeye -h`.
pub(super) const COMMON: [ShownOption; 20] = [
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

/// Returns the options of the `-h` of a subcommand that has many.
pub(super) fn of_subcommand(name: &str) -> Option<Vec<ShownOption>> {
    Some(match name {
        "listen" => LISTEN.to_vec(),
        "proxy" => PROXY.to_vec(),
        "check" => CHECK.to_vec(),
        // It connects to nothing.
        "demo" => COMMON.into_iter().filter(|(_, task, ..)| *task != CONNECT).collect(),
        _ => return None,
    })
}

const LISTEN: [ShownOption; 20] = [
    ("echo", ANSWER, "", "Send every message back to its sender"),
    ("broadcast", ANSWER, "", "Send each message to all other clients"),
    ("exec", ANSWER, "", ""),
    ("reply", ANSWER, "", "Reply to clients by the rules of a TOML file"),
    ("fault", ANSWER, "", "Make a fault happen, such as 'drop every 3 out'"),
    ("output", ANSWER, "FORMAT", "Write messages as text, or events as jsonl"),
    ("subprotocol", ADMIT, "NAME", "Subprotocol to accept; repeatable"),
    ("path", ADMIT, "GLOB", "Path to accept, such as /rooms/*; repeatable"),
    ("auth", ADMIT, "USER:PASS", "Require HTTP Basic credentials"),
    ("origin", ADMIT, "GLOB", "Origin to accept; repeatable"),
    ("header", ADMIT, "", "Add a header to the response; repeatable"),
    ("tls_self_signed", ADMIT, "", ""),
    ("cert", ADMIT, "FILE", "Certificate chain, in PEM or PKCS#12"),
    ("once", END, "", "Exit when the first client has left"),
    ("clients", END, "", ""),
    ("count", END, "", ""),
    ("max_time", END, "", ""),
    ("verbose", WATCH, "", "Show handshakes on stderr; -vv: frames, too"),
    ("frames", WATCH, "", "Show each frame on stderr"),
    ("record", WATCH, "FILE", "Record the run; 'sockeye show FILE' shows it"),
];

const PROXY: [ShownOption; 19] = [
    ("fault", CHANGE, "", "Make a fault happen: 'drop every 3 out'"),
    ("rewrite", CHANGE, "", "Replace what matches in messages; repeatable"),
    ("inject", CHANGE, "", "Send a message of our own; repeatable"),
    ("header", CHANGE, "", "Set a header of the requests; repeatable"),
    ("response_header", CHANGE, "", "Set a header of the answers"),
    ("tls_self_signed", CLIENTS, "", ""),
    ("tls_export", CLIENTS, "FILE", "Write that certificate to FILE"),
    ("cert", CLIENTS, "FILE", "Certificate chain, in PEM or PKCS#12"),
    ("once", CLIENTS, "", "Exit when the first session has ended"),
    ("max_time", CLIENTS, "", ""),
    ("ca", SERVER, "FILE", "CAs to trust, not the system's"),
    ("insecure", SERVER, "", "Skip certificate checks"),
    ("http2", SERVER, "", ""),
    ("unix_socket", SERVER, "", ""),
    ("output", WATCH, "FORMAT", "Write messages as text, events as jsonl, or none"),
    ("frames", WATCH, "", "Show each frame on stderr"),
    ("record", WATCH, "FILE", "Record all sessions; 'sockeye show' shows them"),
    ("har", WATCH, "FILE", "Record handshakes and messages as HAR 1.2"),
    ("verbose", WATCH, "", "Show requests and answers on stderr"),
];

const CHECK: [ShownOption; 19] = [
    ("only", CHECKS, "", "Make only this check or group; repeatable"),
    ("skip", CHECKS, "", "Do not make this check or group; repeatable"),
    ("list", CHECKS, "", ""),
    ("strict", CHECKS, "", "Fail if a recommendation is not followed"),
    ("idle", CHECKS, "SECONDS", "Watch idle sessions to find what ends them"),
    ("aggressive", CHECKS, "", ""),
    ("max_time", CHECKS, "", ""),
    ("header", CONNECT, "", "Set a request header; repeatable"),
    ("subprotocol", CONNECT, "NAME", "Offer a subprotocol; repeatable"),
    ("origin", CONNECT, "", "Origin header, which some servers require"),
    ("auth", CONNECT, "USER:PASS", "Credentials (Basic or Digest)"),
    ("bearer", CONNECT, "TOKEN", "Bearer token for the Authorization header"),
    ("ca", CONNECT, "FILE", "CAs to trust, not the system's"),
    ("insecure", CONNECT, "", "Skip certificate checks"),
    ("http2", CONNECT, "", ""),
    ("json", REPORT, "", "Print each check and the grade as JSON"),
    ("junit", REPORT, "FILE", "Also write the results as JUnit XML"),
    ("verbose", REPORT, "", "Show all checks"),
    ("quiet", REPORT, "", ""),
];

const SEND: &str = "Send and receive";
const CONNECT: &str = "Connect";
const WATCH: &str = "Watch";
const ANSWER: &str = "Answer";
const ADMIT: &str = "Admit clients";
const END: &str = "End";
const CHANGE: &str = "Change what passes";
const CLIENTS: &str = "Clients";
const SERVER: &str = "Server";
const CHECKS: &str = "Checks";
const REPORT: &str = "Report";

pub(super) const EXAMPLES: &str = "  \
  sockeye wss://example.com/chat
  echo '{\"id\":1}' | sockeye wss://example.com/rpc | jq .
  sockeye --count 1 -x ping ws://localhost:9000 || echo \"no answer: $?\"
";
