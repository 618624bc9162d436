//! Values that `--reconnect` and `--every` imply for options that are not given: a session that is
//! reopened when it is lost, or in which something is sent at an interval, is meant to stay open.

use super::args::ClientArgs;
use crate::job::wait::Wait;
use std::time::Duration;

/// Returns the value of `--wait`. `--reconnect` and `--every` imply -1, unless another option says
/// when the session ends.
pub(super) fn wait(args: &ClientArgs) -> Option<Wait> {
    let reopens = args.reconnect.reconnect.is_some() && !args.send_only;
    let stays = (reopens || !args.every.is_empty()) && args.quiet_for.is_none();
    args.wait.or(stays.then_some(Wait::UntilClosed))
}

/// Returns the value of `--ping-timeout`. `--reconnect` implies two ping intervals within limits.
/// That is one minute with the default interval.
pub(super) fn ping_timeout(args: &ClientArgs) -> Option<Duration> {
    let implied = match args.session.ping_interval {
        // Without keepalive, only pings that the user sends can time out.
        Duration::ZERO => MAX_PING_TIMEOUT,
        interval => interval.saturating_mul(2).clamp(MIN_PING_TIMEOUT, MAX_PING_TIMEOUT),
    };
    args.session.ping_timeout.or(args.reconnect.reconnect.map(|_| implied))
}

/// The shortest implied timeout. Even a slow path or a busy server answers within it.
const MIN_PING_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest implied timeout.
const MAX_PING_TIMEOUT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser as _;

    fn args(line: &str) -> ClientArgs {
        Cli::try_parse_from(format!("sockeye h {line}").split_whitespace()).unwrap().client
    }

    #[test]
    fn an_unlimited_wait_is_implied_unless_an_option_says_otherwise() {
        let wait_for = |seconds| Some(Wait::For(Duration::from_secs(seconds)));
        for (line, expected) in [
            ("", None),
            ("-w 3", wait_for(3)),
            ("--reconnect", Some(Wait::UntilClosed)),
            ("--reconnect=3 -x sub", Some(Wait::UntilClosed)),
            ("--reconnect --count 1", Some(Wait::UntilClosed)),
            ("--reconnect --receive-only", Some(Wait::UntilClosed)),
            ("--reconnect -w 3", wait_for(3)),
            ("--reconnect -w 0", wait_for(0)),
            ("--reconnect --send-only", None),
            ("--reconnect --send-only -w -1", Some(Wait::UntilClosed)),
            ("--reconnect --quiet-for 3", None),
            ("--every 1 x", Some(Wait::UntilClosed)),
            ("--every 1 x --send-only", Some(Wait::UntilClosed)),
            ("--every 1 x -w 3", wait_for(3)),
            ("--every 1 x --quiet-for 3", None),
            ("--answer x y", None),
        ] {
            assert_eq!(wait(&args(line)), expected, "{line}");
        }
    }

    #[test]
    fn reconnect_implies_a_ping_timeout_of_two_intervals_within_limits() {
        for (line, expected) in [
            ("", None),
            ("--ping-timeout 3", Some(3)),
            ("--reconnect", Some(60)),
            ("--reconnect=1", Some(60)),
            ("--reconnect --ping-interval 10", Some(20)),
            ("--reconnect --ping-interval 0.5", Some(10)),
            ("--reconnect --ping-interval 300", Some(60)),
            ("--reconnect --ping-interval 0", Some(60)),
            ("--reconnect --ping-timeout 3", Some(3)),
            // Off.
            ("--reconnect --ping-timeout 0", Some(0)),
        ] {
            assert_eq!(ping_timeout(&args(line)), expected.map(Duration::from_secs), "{line}");
        }
    }
}
