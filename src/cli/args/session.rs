//! Options of a session in either role.

use super::{
    heading::{OUTPUT, PIPE, SESSION},
    output::{ColorChoice, DiagnosticsArgs},
};
use crate::{cli::values, proto::extension::Offers};
use clap::Args;
use std::time::Duration;

// Options of a session in either role.
#[derive(Clone, Debug, Args)]
pub struct SessionArgs {
    /// Send every message back, same type, until the peer closes; stdin is not read
    #[arg(long, help_heading = PIPE)]
    pub echo: bool,

    /// The longest message taken, in bytes (K, M, G); 0 for any
    #[arg(long, value_name = "BYTES", default_value = "100M", value_parser = values::bytes)]
    #[arg(help_heading = SESSION)]
    pub max_message: u64,

    /// Ping after this long without a byte from the peer; 0 never
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = values::seconds)]
    #[arg(help_heading = SESSION)]
    pub ping_interval: Duration,

    /// Give the session up when nothing follows a ping for this long, with exit status 28
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = SESSION)]
    pub ping_timeout: Option<Duration>,

    /// End the session after this long without a message either way, with exit status 28
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = SESSION)]
    pub idle_timeout: Option<Duration>,

    /// How long the answer to our Close is waited for
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = values::seconds)]
    #[arg(help_heading = SESSION)]
    pub close_timeout: Duration,

    /// Offer or accept compression with these parameters (RFC 7692), and not what browsers offer
    #[arg(long, value_name = "PARAMS", num_args = 0..=1, require_equals = true)]
    #[arg(value_parser = values::offers, help_heading = SESSION)]
    #[allow(clippy::option_option, reason = "an option that may have a value")]
    pub compress: Option<Option<Offers>>,

    /// Do not offer or accept compression
    #[arg(long, overrides_with = "compress", help_heading = SESSION)]
    pub no_compress: bool,

    /// How hard to compress, from 1 (fast) to 9 (small)
    #[arg(long, value_name = "N", default_value = "1", help_heading = SESSION)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=9))]
    pub compress_level: u32,

    /// Compress messages of this length and more (K, M, G); 0 for all
    #[arg(long, value_name = "BYTES", default_value = "1024", value_parser = values::bytes)]
    #[arg(help_heading = SESSION)]
    pub compress_min: u64,

    #[command(flatten)]
    pub diagnostics: DiagnosticsArgs,

    /// Whether what a person reads has colours; `NO_COLOR` and CLICOLOR count, too
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN", help_heading = OUTPUT)]
    pub color: ColorChoice,

    /// Use no colours, as --color never
    #[arg(long, overrides_with = "color", help_heading = OUTPUT)]
    pub no_color: bool,
}
