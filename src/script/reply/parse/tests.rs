use super::*;

fn fault(text: &str) -> String {
    let around = Surroundings {
        variable: &|_| Err(std::env::VarError::NotPresent),
        file: &|name| Err(format!("cannot read {name}: no such file")),
    };
    let ReplyFault { at, words, hint } = parse(text, &around).unwrap_err();
    let (line, column) = position(text, at);
    let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{line}:{column}: {words}{hint}")
}

#[test]
fn faults_have_a_place_and_a_suggestion() {
    let on = "[[on]]\ntext = 'a'\n";
    for (text, expected) in [
        ("", "1:1: there are no rules (begin each rule with [[on]], or [[path.on]] in [[path]])"),
        ("x = [", "1:6: unclosed array, expected `]`"),
        ("paht = 1", "1:1: unknown key 'paht' (did you mean 'path'?)"),
        ("on = 1", "1:6: 'on' must be a list of tables"),
        ("path = 'x'\n[[on]]\nopen = true", "1:8: a path begins with /"),
        (
            "[[on]]\nsend = 'a'",
            "1:1: a rule needs an event (add open = true, match, json, text or otherwise = true)",
        ),
        ("[[on]]\nopen = false", "2:8: 'open' must be true"),
        ("[[on]]\ntext = 'a'\nopen = true", "2:1: 'open' excludes 'text' (write two rules)"),
        ("[[on]]\nmatch = '('", "2:9: unclosed group"),
        ("[[on]]\nmatch = 'json:x'", "2:9: a JSON pointer begins with / at column 6"),
        ("[[on]]\njson = 1", "2:8: 'json' must be a table"),
        ("[[on]]\njson = { a = 1979-05-27 }", "2:14: JSON has no dates: write it as a string"),
        (
            "[[on]]\nopen = true\ndo = 'echo'",
            "3:6: there is no message to send back when a client connects",
        ),
        (
            "[[on]]\nopen = true\nsend = '${json:/a}'",
            "3:9: there is no message to take ${json:/a} from",
        ),
    ] {
        let found = fault(text);
        assert!(found.starts_with(expected), "{text}: {found}");
    }
    for (line, expected) in [
        ("sned = 'a'", "unknown key 'sned' (did you mean 'send'?)"),
        ("send = 1", "'send' must be a string"),
        ("send = '${clent}'", "unknown name '${clent}' (did you mean '${client}'?)"),
        ("send = '${path.room}'", "unknown name '${path.room}' (a name is client, path.NAME, "),
        ("send = '${x}'", "unknown name '${x}' (a name is client, path.NAME, "),
        ("send = '${env:X}'", "the environment variable 'X' is not set"),
        ("send = 'a'\nfile = 'b'", "'send' excludes 'file'"),
        ("binary = '0'", "'binary' must be pairs of hexadecimal digits"),
        ("file = 'b'", "cannot read b: no such file"),
        ("to = 'other'", "'to' must be sender, others, all (did you mean 'others'?)"),
        ("do = 'forward'", "there is no server to forward messages to (add forward ="),
        ("do = 'x'", "'do' must be echo, ignore, fail, forward"),
        ("nth = 0", "'nth' must be a number from 1"),
        ("chance = 1.5", "'chance' must be a number from 0 to 1"),
        ("delay = -1", "'delay' must be a time in seconds"),
        ("delay = [2, 1]", "'delay' must be [SHORTEST, LONGEST] in seconds"),
        ("close = 1005", "a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999"),
        ("close = { cod = 1 }", "unknown key 'cod' (did you mean 'code'?)"),
        ("close = 1000\ncut = true", "'close' excludes 'cut'"),
        ("then = [{}]", "this step does nothing"),
        ("then = [{ wait = 1, cut = true }]", "'cut' is a step of its own"),
        ("then = [{ wait = 1, send = 'a' }]", "'wait' is a step of its own"),
        ("then = [{ every = 1 }]", "'every' needs 'send', 'binary' or 'file'"),
        ("then = [{ every = 0, send = 'a' }]", "'every' must be at least 0.001 s"),
        ("then = [{ times = 1, send = 'a' }]", "'times' needs 'every'"),
        ("then = [{ cut = true }, { send = 'a' }]", "this step is never reached"),
        ("then = [{ every = 1, send = 'a' }]\nclose = true", "this step is never reached"),
        ("jitter = -1", "'jitter' must be a time in seconds"),
        ("split = 2", "'split' needs a message (add send, binary or file beside it"),
        ("send = 'a'\nsplit = 1", "'split' must be a number of fragments from 2 to 10000"),
        ("send = 'a'\nduplicate = 2", "'duplicate' must be true"),
        ("send = 'a'\nthrottle = 0", "'throttle' must be a number from 1"),
        ("send = 'a'\ncut = 'here'", "'cut' must be true, \"frame\" or a number of bytes"),
        ("cut = 'frame'", "'cut' needs a message"),
        ("swallow = 'close'", "'swallow' must be ping, pong"),
        ("then = [{ swallow = 'ping', send = 'a' }]", "'swallow' is a step of its own"),
        ("then = [{ send = 'a', cut = 3 }, { send = 'b' }]", "this step is never reached"),
        ("[[fault]]\n", "this table has no fault (the faults are delay, jitter,"),
        ("[[fault]]\ndorp = true", "unknown key 'dorp' (did you mean 'drop'?)"),
        ("[[fault]]\ndrop = false", "'drop' must be true"),
        (
            "[[fault]]\ndrop = true\nsplit = 2",
            "'drop' excludes 'split' (write two [[fault]] tables)",
        ),
        ("[[fault]]\nrefuse = 200", "'refuse' must be a status from 300 to 599"),
        ("[[fault]]\ndrop = true\nevery = 0", "'every' must be a number from 1"),
        ("[[fault]]\ndrop = true\nafter = {}", "'after' must be a number of messages, {"),
        ("[[fault]]\ndrop = true\nafter = { seconds = -1 }", "'seconds' must be a time"),
        ("[[fault]]\ndrop = true\ndirection = 'ou'", "'direction' must be in, out (did you mean"),
        ("[[fault]]\ndrop = true\nmatch = '('", "unclosed group"),
        ("[[fault]]\ndrop = true\nchance = 2", "'chance' must be a number from 0 to 1"),
        ("[expect]\non = [2]", "there is no rule 2, only 1"),
        ("[expect]\nheaders = { A = '/(/' }", "this is not a regular expression"),
    ] {
        let found = fault(&format!("{on}{line}"));
        let place = format!("{}:", 2 + line.lines().count());
        let words = found.split_once(": ").unwrap_or_default().1;
        let place = if line.starts_with("[[fault]]\n") && line.ends_with('\n') {
            // The table itself is at fault.
            "3:".to_owned()
        } else {
            place
        };
        assert!(found.starts_with(&place) && words.starts_with(expected), "{line}: {found}");
    }
}

#[test]
fn a_server_to_forward_to_is_a_url() {
    for (text, expected) in [
        ("forward = 'ftp://x'", "1:11: this is not a URL of a WebSocket server: "),
        ("forward = 1", "1:11: 'forward' must be a string"),
        (
            "forward = 'ws://h/'\n[[on]]\nopen = true\ndo = 'forward'",
            "4:6: there is no message to forward when a client connects",
        ),
    ] {
        let found = fault(text);
        assert!(found.starts_with(expected), "{text}: {found}");
    }
}

#[test]
fn a_fault_of_a_message_is_at_its_placeholder() {
    for (send, place) in [
        ("'a ${x}'", "3:11"),
        ("'${n} $${y} ${x}'", "3:20"),
        ("\"\\t\\u00e4 ${x}\"", "3:18"),
        ("\"\"\"\nfirst\nsecond ${x}\"\"\"", "5:8"),
        ("'a ${json:x}'", "3:11"),
        ("'a ${x'", "3:11"),
        ("'a ${env:NONE}'", "3:11"),
        // The dollar has another form.
        ("\"\\u0024{x}\"", "3:8"),
    ] {
        let found = fault(&format!("[[on]]\ntext = 'a'\nsend = {send}"));
        assert!(found.starts_with(&format!("{place}: ")), "{send}: {found}");
        assert!(!found.contains("column"), "{found}");
    }
}

#[test]
fn a_script_may_have_only_faults_or_expectations() {
    let around = Surroundings {
        variable: &|_| Err(std::env::VarError::NotPresent),
        file: &|_| Ok(Vec::new()),
    };
    for text in [
        "[[fault]]\ndrop = true",
        "[expect]\nheaders = { A = true }",
        "[[path]]\npath = '/a'\n[[path.fault]]\ndrop = true",
    ] {
        assert!(parse(text, &around).is_ok(), "{text}");
    }
    assert!(fault("[[path]]\npath = '/a'").starts_with("1:1: there are no rules"));
}

/// The tables of a reply script have the same faults as the rules of `--fault`.
#[test]
fn a_fault_table_is_a_fault_rule() {
    let around = Surroundings {
        variable: &|_| Err(std::env::VarError::NotPresent),
        file: &|_| Ok(Vec::new()),
    };
    for (table, rule) in [
        ("drop = true\nevery = 3\ndirection = 'out'", "drop every 3 out"),
        ("delay = 0.2\njitter = 0.1\ndirection = 'in'", "delay 0.2 jitter 0.1 in"),
        ("delay = [0.25, 0.5]", "delay 0.25 jitter 0.25"),
        ("jitter = 0.5", "delay 0 jitter 0.5"),
        ("throttle = 1000\nafter = { seconds = 2 }", "throttle 1000 after 2 s"),
        ("duplicate = true\nchance = 0.5", "duplicate chance 0.5"),
        ("corrupt = true\nmatch = 'json:/a=1'", "corrupt match json:/a=1"),
        ("split = 3", "split 3"),
        ("stall = true", "stall"),
        ("stall = 0.5\nafter = { messages = 2 }", "stall 0.5 after 2 messages"),
        ("cut = true\nafter = 5", "cut after 5 messages"),
        ("cut = 'frame'\nevery = 2", "cut frame every 2"),
        ("cut = 3", "cut 3"),
        ("reset = true", "reset"),
        ("close = { code = 4001, reason = 'bye' }", "close 4001:bye"),
        ("swallow = 'ping'", "swallow ping"),
        ("refuse = 503\nchance = 0.25", "refuse 503 chance 0.25"),
    ] {
        let text =
            format!("[[path]]\npath = '/a'\n[[path.on]]\nopen = true\n[[path.fault]]\n{table}");
        let script = parse(&text, &around).unwrap_or_else(|fault| panic!("{table}: {fault:?}"));
        let faults: Vec<_> = script.tables[0].faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, [rule]);
    }
}

#[test]
fn only_what_varies_is_random() {
    let around = Surroundings {
        variable: &|_| Err(std::env::VarError::NotPresent),
        file: &|_| Ok(Vec::new()),
    };
    let is_random =
        |line: &str| parse(&format!("[[on]]\nopen = true\n{line}"), &around).unwrap().is_random;
    for line in [
        "chance = 0.5",
        "delay = [1, 2]",
        "delay = 1\njitter = 1",
        "send = '${uuid}'",
        "send = 'a'\ncorrupt = true",
        "stall = [1, 2]",
        "[[fault]]\njitter = 1",
    ] {
        assert!(is_random(line), "{line}");
    }
    for line in ["delay = 1", "delay = [1, 1]", "send = '${now}'", "stall = true", "cut = true"] {
        assert!(!is_random(line), "{line}");
    }
}
