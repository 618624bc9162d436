//! The clock of a pipe, with each row of its table.

use super::*;

const S: Duration = Duration::from_secs(1);

const FOR_3_S: Option<Wait> = Some(Wait::For(Duration::from_secs(3)));

fn clock(end: EndRules) -> (Clock, Instant) {
    let now = Instant::now();
    let rules = ClockRules { end, ..ClockRules::default() };
    let mut clock = Clock::new(rules, StdinState::Silent, now, false);
    clock.script_ended(now);
    (clock, now)
}

fn all_rules() -> Vec<ClockRules> {
    let mut all = Vec::new();
    for has_script in [false, true] {
        for send_only in [false, true] {
            for wait in [None, FOR_3_S, Some(Wait::UntilClosed)] {
                let end = EndRules { wait, ..EndRules::default() };
                all.push(ClockRules { end, has_script, send_only });
            }
        }
    }
    all
}

#[test]
fn each_run_matches_one_row() {
    use StdinState::{Active, Ended, Silent, Unread};
    let mut used = [0; START_TABLE.len()];
    for rules in all_rules() {
        for stdin in [Unread, Silent, Active, Ended] {
            let rows = START_TABLE.iter().enumerate();
            let matching: Vec<_> =
                rows.filter(|(_, row)| row.matches(&rules, stdin)).map(|(n, _)| n).collect();
            assert_eq!(matching.len(), 1, "{rules:?} {stdin:?}: rows {matching:?}");
            used[matching[0]] += 1;
        }
    }
    assert!(used.iter().all(|n| *n > 0), "{used:?}");
}

/// The behaviour of stdin: `Unread`, or the times in seconds of its first byte and of its end.
type Stdin = Option<(Option<u32>, Option<u32>)>;

/// Returns the second in which the clock of a script that ends after one second starts.
fn starts(rules: ClockRules, stdin: Stdin) -> Option<u32> {
    let now = Instant::now();
    let state = if stdin.is_some() { StdinState::Silent } else { StdinState::Unread };
    let mut clock = Clock::new(rules, state, now, false);
    let (first, end) = stdin.unwrap_or_default();
    for second in 0..10 {
        if second == 1 {
            clock.script_ended(now + S);
        }
        if first == Some(second) {
            clock.stdin_read();
        }
        if end == Some(second) {
            clock.stdin_ended(now + second * S);
        }
    }
    clock.started.map(|at| at.duration_since(now).as_secs() as u32)
}

/// The table, as its rows are documented: one line for each kind of run and of stdin.
#[test]
fn the_clock_starts_as_the_table_says() {
    const UNREAD: Stdin = None;
    const SILENT: Stdin = Some((None, None));
    const ACTIVE: Stdin = Some((Some(4), None));
    const ENDED: Stdin = Some((Some(4), Some(7)));
    const EMPTY: Stdin = Some((None, Some(7)));
    /// The end of stdin before that of the script.
    const EARLY: Stdin = Some((Some(0), Some(0)));
    let rules = |has_script, send_only, wait| ClockRules {
        end: EndRules { wait, ..EndRules::default() },
        has_script,
        send_only,
    };
    let zero = Some(Wait::For(Duration::ZERO));
    let ever = Some(Wait::UntilClosed);
    for (rules, expected) in [
        // Rules                    unread   silent   active ended    empty    early
        (rules(false, false, None), [None, None, None, Some(7), Some(7), Some(1)]),
        (rules(false, false, zero), [Some(1), None, None, Some(7), Some(7), Some(1)]),
        (rules(false, false, ever), [Some(1), None, None, Some(7), Some(7), Some(1)]),
        (rules(false, true, zero), [Some(1), None, None, Some(7), Some(7), Some(1)]),
        (rules(true, false, None), [Some(1), Some(1), None, Some(7), Some(7), Some(1)]),
        (rules(true, false, zero), [Some(1), Some(1), None, Some(7), Some(7), Some(1)]),
        (rules(true, false, ever), [Some(1), Some(1), None, Some(7), Some(7), Some(1)]),
        (rules(true, true, zero), [Some(1), None, None, Some(7), Some(7), Some(1)]),
        (rules(true, true, FOR_3_S), [Some(1), None, None, Some(7), Some(7), Some(1)]),
        (rules(true, true, ever), [Some(1), None, None, Some(7), Some(7), Some(1)]),
    ] {
        let found = [UNREAD, SILENT, ACTIVE, ENDED, EMPTY, EARLY].map(|stdin| starts(rules, stdin));
        assert_eq!(found, expected, "{rules:?}");
    }
}

#[test]
fn stdin_that_begins_after_the_script_stops_the_clock_until_its_end() {
    let now = Instant::now();
    let rules = ClockRules { has_script: true, ..ClockRules::default() };
    let mut clock = Clock::new(rules, StdinState::Silent, now, false);
    clock.script_ended(now);
    assert!(clock.expiry(false).is_some());
    clock.stdin_read();
    assert_eq!(clock.expiry(false), None);
    // Neither answers nor pending messages start it again.
    clock.heard(now + S);
    clock.restart(now + S);
    clock.stdin_read();
    assert_eq!(clock.expiry(false), None);
    clock.stdin_ended(now + 9 * S);
    assert_eq!(clock.expiry(false), Some((now + 10 * S, Expiry::Silence(S))));
}

#[test]
fn the_time_of_a_wait_includes_all_sessions_and_silence_only_the_last() {
    let now = Instant::now();
    let rules = ClockRules {
        end: EndRules { wait: FOR_3_S, ..EndRules::default() },
        has_script: true,
        send_only: false,
    };
    for stdin in [StdinState::Unread, StdinState::Silent, StdinState::Ended] {
        let mut clock = Clock::new(rules, stdin, now, false);
        clock.script_ended(now);
        assert_eq!(clock.expiry(false), Some((now + 3 * S, Expiry::Waited(3 * S))));
        assert_eq!(clock.gap_end(), Some(now + 3 * S));
        // The time of the whole run.
        clock.reopened(now + S);
        clock.script_ended(now + 2 * S);
        assert_eq!(clock.expiry(false), Some((now + 3 * S, Expiry::Waited(3 * S))));
        // Messages were pending.
        clock.restart(now + 2 * S);
        assert_eq!(clock.expiry(false), Some((now + 5 * S, Expiry::Waited(3 * S))));
    }
    // Silence is that of one session.
    let quiet = EndRules { quiet_for: Some(S), ..EndRules::default() };
    let rules_of_silence = ClockRules { end: quiet, ..rules };
    let mut clock = Clock::new(rules_of_silence, StdinState::Unread, now, false);
    clock.script_ended(now);
    assert_eq!(clock.gap_end(), None);
    clock.reopened(now + 9 * S);
    assert_eq!(clock.expiry(false), None);
    clock.script_ended(now + 9 * S);
    assert_eq!(clock.expiry(false), Some((now + 10 * S, Expiry::Silence(S))));
    let mut clock = Clock::new(rules, StdinState::Active, now, false);
    clock.script_ended(now);
    clock.reopened(now);
    clock.script_ended(now);
    assert_eq!(clock.expiry(false), None);
}

#[test]
fn a_peer_that_neither_reads_nor_sends_has_a_limit_in_every_run() {
    let now = Instant::now();
    let ends = |wait, quiet_for, stdin, until_met| {
        let end = EndRules { wait, quiet_for, until_met };
        let rules = ClockRules { end, ..ClockRules::default() };
        let mut clock = Clock::new(rules, stdin, now, false);
        clock.script_ended(now);
        clock.stall(now + S).map(|(at, why)| {
            let window = at.duration_since(now + S);
            assert_eq!(why, Expiry::Stalled(window));
            window
        })
    };
    for stdin in [StdinState::Silent, StdinState::Active, StdinState::Ended] {
        for until_met in [false, true] {
            let of = |wait, quiet_for| ends(wait, quiet_for, stdin, until_met);
            assert_eq!(of(None, None), Some(30 * S));
            assert_eq!(of(None, Some(60 * S)), Some(60 * S));
            assert_eq!(of(Some(Wait::For(9 * S)), None), Some(9 * S));
            assert_eq!(of(FOR_3_S, None), Some(5 * S));
            assert_eq!(of(Some(Wait::UntilClosed), None), None);
        }
    }
    // The silence of --quiet-for begins at the end of the input.
    assert_eq!(ends(None, Some(S), StdinState::Active, false), Some(30 * S));
    assert_eq!(ends(None, Some(S), StdinState::Ended, false), Some(S));
}

#[test]
fn does_not_expire_before_the_end_of_input() {
    let (mut clock, start) = clock(EndRules::default());
    clock.heard(start + S);
    assert_eq!(clock.expiry(false), None);
}

#[test]
fn a_peer_that_reads_nothing_of_the_last_has_half_a_minute() {
    let (mut clock, start) = clock(EndRules::default());
    clock.sent();
    clock.stdin_ended(start);
    assert_eq!(clock.expiry(true), Some((start + 30 * S, Expiry::Silence(30 * S))));
    // The peer read some bytes.
    clock.busy(start + S);
    assert_eq!(clock.expiry(true), Some((start + 31 * S, Expiry::Silence(30 * S))));
    assert_eq!(clock.expiry(false), Some((start + 6 * S, Expiry::Silence(5 * S))));
}

#[test]
fn a_second_of_silence_after_an_answer_and_five_without() {
    let (mut clock, start) = clock(EndRules::default());
    clock.stdin_ended(start + 2 * S);
    assert_eq!(clock.expiry(false), Some((start + 7 * S, Expiry::Silence(5 * S))));
    clock.heard(start + 3 * S);
    assert_eq!(clock.expiry(false), Some((start + 4 * S, Expiry::Silence(S))));
    clock.sent();
    assert_eq!(clock.expiry(false), Some((start + 8 * S, Expiry::Silence(5 * S))));
}

#[test]
fn silence_counts_from_the_later_of_last_byte_and_end_of_input() {
    let (mut clock, start) = clock(EndRules::default());
    clock.heard(start + S);
    clock.stdin_ended(start + 9 * S);
    assert_eq!(clock.expiry(false), Some((start + 10 * S, Expiry::Silence(S))));
    clock.busy(start + 20 * S);
    assert_eq!(clock.expiry(false), Some((start + 21 * S, Expiry::Silence(S))));
}

#[test]
fn wait_and_expectations_replace_the_rule_of_silence() {
    let (mut waiting, start) = clock(EndRules { wait: FOR_3_S, ..EndRules::default() });
    assert_eq!(waiting.expiry(false), None);
    waiting.stdin_ended(start);
    waiting.heard(start + 2 * S);
    assert_eq!(waiting.expiry(false), Some((start + 3 * S, Expiry::Waited(3 * S))));
    for rules in [
        EndRules { wait: Some(Wait::UntilClosed), ..EndRules::default() },
        EndRules { until_met: true, ..EndRules::default() },
    ] {
        let (mut clock, start) = clock(rules);
        clock.stdin_ended(start);
        assert_eq!(clock.expiry(false), None);
    }
    let (mut quiet, start) = clock(EndRules { quiet_for: Some(7 * S), ..EndRules::default() });
    quiet.heard(start);
    quiet.stdin_ended(start);
    assert_eq!(quiet.expiry(false), Some((start + 7 * S, Expiry::Silence(7 * S))));
}
