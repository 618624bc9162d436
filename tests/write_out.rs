//! The summary of --write-out, written at the end of a run.

use crate::support::{
    Authority, Expected, Signal, Stdin, Test,
    wire::{close, text},
};
use serde_json::Value;

#[test]
fn the_summary_follows_all_messages() {
    Test::new()
        .args(["-x", "hi", "-w", "-1", "-s", "sea", "--write-out"])
        .args([concat!(
            "%{http_code} %{http_version} %{scheme} %{method} %{exitcode}\\n",
            "%{remote_ip}:%{remote_port} %{num_redirects} %{num_connects} [%{tls}] [%{errormsg}]\\n",
            "%{close_code} %{close_reason} %{closed_by} %{subprotocol} %header{x-fish}\\n",
            "%{messages_received} %{messages_sent} %{bytes_received} %{bytes_sent} 100%%\\n"
        )])
        .peer(|peer| {
            peer.open_with("Sec-WebSocket-Protocol: sea\r\nX-Fish: salmon\r\n");
            peer.expect_text("hi");
            peer.send([text("one"), text("\u{e9}")].concat());
            peer.close_with(1000, "bye");
        })
        .stdout(
            "one\n\u{e9}\n101 1.1 ws GET 0\n127.0.0.1:{port} 0 1 [] []\n\
             1000 bye remote sea salmon\n2 1 5 2 100%\n",
        )
        .run();
}

#[test]
fn a_failed_run_has_a_summary_too() {
    let form = "%{http_code} %{exitcode} %{errormsg} %{time_connect} [%{closed_by}]\\n";
    Test::new()
        .args(["--write-out", form, "ws://127.0.0.1:1/"])
        .stdout(
            "000 7 cannot connect to 127.0.0.1:1: connection refused (os error 111) 0.000000 []\n",
        )
        .stderr_has(["cannot connect"])
        .status(7)
        .run();
    Test::new()
        .args(["--write-out", form])
        .peer(|peer| {
            peer.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        })
        .stdout("404 22 [..] 0.[..] []\n")
        .stderr_has(["404"])
        .status(22)
        .run();
    Test::new()
        .args(["--write-out", "%{exitcode} %{close_code} %{closed_by}\\n"])
        .peer(|peer| {
            peer.open();
            peer.half_close();
        })
        .stdout("56 1006 remote\n")
        .stderr_has(["without a Close"])
        .status(56)
        .run();
}

/// There is no status then, and the bytes are in the error.
#[test]
fn an_answer_that_is_not_http_has_a_summary_without_a_status() {
    Test::new()
        .args([
            "--write-out",
            "%{http_code} [%{http_version}] %{exitcode} %{num_connects} [%{closed_by}]\\n",
        ])
        .peer(|peer| {
            peer.answer("220 mail.example ESMTP\r\n");
        })
        .stdout("000 [..] 8 1 []\n")
        .stderr_has(["220 mail.example ESMTP"])
        .status(8)
        .run();
}

#[test]
fn a_signal_sets_exitcode_to_128_plus_its_number() {
    Test::new()
        .args(["--write-out", "%{exitcode} %{closed_by}\\n"])
        .stdin(Stdin::Open)
        .peer(|peer| {
            peer.open();
            peer.send(text("one"));
            peer.child.await_stdout("one\n");
            peer.child.signal(Signal::TERM);
            peer.answer_close(1001);
        })
        .stdout("one\n143 local\n")
        .killed_by(Signal::TERM)
        .run();
}

#[test]
fn times_are_in_order() {
    let authority = Authority::new();
    let ca = authority.file().to_str().unwrap().to_owned();
    let file = tempfile::NamedTempFile::new().unwrap();
    Test::new()
        .args(["--cacert".into(), ca])
        .args(["--write-out", "%{json}\\n"])
        .stdout_to(file.path())
        .tls_peer(authority.issue().server(), |peer| {
            peer.open();
            peer.send([text("one"), close(1000, "")].concat());
            peer.expect_close(1000);
        })
        .run();
    let text = std::fs::read_to_string(file.path()).unwrap();
    let all: Value = serde_json::from_str(text.strip_prefix("one\n").unwrap()).unwrap();
    let names = [
        "time_namelookup",
        "time_connect",
        "time_appconnect",
        "time_pretransfer",
        "time_handshake",
        "time_first_message",
        "time_total",
    ];
    let times = names.map(|name| all[name].as_f64().unwrap_or_else(|| panic!("{name}: {all}")));
    assert!(times.is_sorted() && times[1] < times[2], "{all}");
    assert!(all["tls"].as_str().unwrap().starts_with("TLS"), "{all}");
    assert_eq!((&all["scheme"], &all["http_code"]), (&"wss".into(), &101.into()));
}

#[test]
fn redirects_are_counted_and_secrets_hidden() {
    Test::new()
        .args(["-L", "--write-out", "%{num_redirects} %{url} %{url_effective} %{http_code}\\n"])
        .args(["ws://127.0.0.1:{port}/?token=secret"])
        .peer(|peer| {
            let place = format!("ws://127.0.0.1:{}/there?api_key=secret", peer.port());
            peer.answer(&format!(
                "HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
            ));
            peer.next_client();
            peer.open();
            peer.close(1000);
        })
        .stdout("1 ws://{peer}/?token=[redacted] ws://{peer}/there?api_key=[redacted] 101\n")
        .run();
}

#[test]
fn a_format_may_be_read_from_a_file_and_written_to_stderr() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "%{stderr}status %{http_code}\n").unwrap();
    Test::new()
        .args(["--write-out".to_owned(), format!("@{}", file.path().display())])
        .peer(|peer| {
            peer.open();
            peer.close(1000);
        })
        .stderr("status 101\n")
        .run();
}

#[test]
fn an_unknown_variable_is_a_usage_error_with_a_near_one() {
    Test::new()
        .args(["--write-out", "%{htp_code}", "ws://127.0.0.1:1/"])
        .stderr_has(["unknown variable 'htp_code'; did you mean 'http_code'?"])
        .status(2)
        .run();
    Test::new()
        .args(["--write-out", "@/nowhere/form", "ws://127.0.0.1:1/"])
        .stderr_has(["cannot read /nowhere/form: no such file or directory (os error 2)"])
        .status(2)
        .run();
}

#[test]
fn the_man_page_has_every_variable() {
    let names = sockeye::render::write_out::VARIABLES.map(|(name, _)| format!("\n.B {name}\n"));
    Test::new().args(["man"]).stdout(Expected::Parts(names.to_vec())).run();
}

#[test]
fn a_closed_reader_of_write_out_is_not_an_error() {
    Test::new()
        .shell("\"$@\" | true; echo \"status ${PIPESTATUS[0]}\"")
        .args(["--write-out", "%{json}"])
        .peer(|peer| {
            peer.open();
            peer.discard_all();
        })
        .stdout(Expected::Parts(vec!["status 0".to_owned()]))
        .run();
}
