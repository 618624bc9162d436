//! Options of `sockeye check`.

use super::{
    config::{ConfigArgs, ConfigExtras},
    connect::{ConnectArgs, IdentityArgs},
    heading::{CHECKS, OUTPUT},
    output::ColorChoice,
    request::RequestArgs,
};
use crate::cli::values;
use clap::{ArgAction, Args, ValueHint};
use std::{path::PathBuf, time::Duration};

#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Server: ws://, wss://, host[:port][/path] or @TARGET
    ///
    /// As for 'sockeye URL'.
    #[arg(value_name = "URL", value_hint = ValueHint::Url, required_unless_present = "list")]
    pub url: Option<String>,

    /// Make only this check or group; may be repeated
    ///
    /// NAME is the id of a check or a group, or a comma-separated list of them.
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = CHECKS)]
    pub only: Vec<String>,

    /// Do not make this check or group; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = CHECKS)]
    pub skip: Vec<String>,

    /// Count recommendations: exit with status 113 if one is not followed
    #[arg(long, help_heading = CHECKS)]
    pub strict: bool,

    /// Path of an echo service, for the checks that need one
    ///
    /// By default, the path of the URL is used if the server sends a message back there.
    #[arg(long, value_name = "PATH", value_parser = values::line, help_heading = CHECKS)]
    pub echo_path: Option<String>,

    /// Measure with up to 64 MiB instead of 16 MiB
    ///
    /// For the largest message and frame, and for what the server keeps for a client that does not
    /// read.
    #[arg(long, help_heading = CHECKS)]
    pub aggressive: bool,

    /// Watch idle sessions for this time, to find what ends them [default: 90]
    ///
    /// Opens sessions side by side: some stay silent for different times, one sends pings and one
    /// sends messages. Adds this time to the run.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true)]
    #[arg(value_parser = values::seconds, help_heading = CHECKS)]
    pub idle: Option<Option<Duration>>,

    /// List the checks and exit
    ///
    /// With --only and --skip, the chosen ones; with --json, as JSON Lines.
    #[arg(long, help_heading = CHECKS)]
    pub list: bool,

    /// Time limit for the whole run [default: 90]
    ///
    /// Prints the results so far and exits with status 28 when the time is up.
    #[arg(short = 'm', long, value_name = "SECONDS", value_parser = values::seconds)]
    #[arg(help_heading = CHECKS)]
    pub max_time: Option<Duration>,

    #[command(flatten)]
    pub request: RequestArgs,

    #[command(flatten)]
    pub connection: ConnectArgs,

    #[command(flatten)]
    pub identity: IdentityArgs,

    /// Print a line of JSON for each check, and one for the grade
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,

    /// Also write the results as JUnit XML
    ///
    /// CI systems show this format. An existing regular file is overwritten; - is stdout, in place
    /// of the page.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT)]
    pub junit: Option<PathBuf>,

    /// Show all checks, and the first handshake on stderr
    #[arg(short = 'v', long, action = ArgAction::Count, help_heading = OUTPUT)]
    pub verbose: u8,

    /// Do not redact secrets in results and diagnostics
    #[arg(long, help_heading = OUTPUT)]
    pub show_secrets: bool,

    /// Print only errors on stderr
    #[arg(short = 'q', long, conflicts_with = "verbose", help_heading = OUTPUT)]
    pub quiet: bool,

    /// Use colours
    ///
    /// NO_COLOR, CLICOLOR and CLICOLOR_FORCE apply with "auto".
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN", help_heading = OUTPUT)]
    pub color: ColorChoice,

    /// Disable colours; same as --color never
    #[arg(long, overrides_with = "color", help_heading = OUTPUT)]
    pub no_color: bool,

    #[command(flatten)]
    pub file: ConfigArgs,

    #[arg(skip)]
    pub extras: ConfigExtras,
}
