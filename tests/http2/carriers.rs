//! The conversations of other modules, repeated over HTTP/2 through a proxy that speaks HTTP/2 with
//! the client and HTTP/1.1 with the peer. Nothing in them depends on the carrier.

use std::process::Command;

#[test]
fn the_same_conversations_work_over_http_2() {
    let modules = ["close::", "input::", "lines::", "pipes::", "status::a_", "violation::"];
    let differs = [
        // These expect an error about the connection, or an HTTP/1.1 status.
        "every_event_is_a_line",
        "a_200_is_a_web_page",
        "a_chunked_body_is_shown_without_its_chunks",
        "a_connection_closed_",
        "a_truncated_message_has_no_delimiter",
        "errors_and_the_end_have_their_code",
        "a_status_without_a_reason",
        "the_peer_ends_the_session",
        // The proxy does not outlive these ends.
        "unmet_goals_fail_the_run",
        "a_wait_delays_neither_a_close_nor_max_time",
        "the_end_is_not_lost_on_a_slow_reader",
        // The proxy serves one connection.
        "a_shell_loop_that_loses_its_stdin_is_told",
        // This test itself.
        "http_2",
    ];
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(modules);
    for name in differs {
        command.args(["--skip", name]);
    }
    let done = command.env("SOCKEYE_TEST_HTTP2", "1").output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let faults = said.split_once("failures:").map_or(&*said, |(_, faults)| faults);
    assert!(done.status.success(), "{faults}");
    let passed = said.split(" passed").next().and_then(|said| said.rsplit(' ').next());
    assert!(passed.unwrap().parse::<usize>().unwrap() > 80, "{said}");
}
