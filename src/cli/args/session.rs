//! Options shared by client and server sessions.

use super::{
    heading::{OUTPUT, PIPE, SESSION},
    output::{ColorChoice, DiagnosticsArgs},
};
use crate::{cli::values, proto::extension::Offers};
use clap::Args;
use std::{num::NonZeroUsize, time::Duration};

#[derive(Clone, Debug, Args)]
pub struct SessionArgs {
    /// Send every received message back; stdin is not read
    ///
    /// Returns each received message to its sender, with the same type, until the peer closes.
    #[arg(long, help_heading = PIPE)]
    pub echo: bool,

    /// Maximum size of a received message; 0 for no limit [default: 100M]
    ///
    /// A longer message ends the session with exit status 100. K, M and G stand for powers of
    /// 1024. Where messages must be held in memory, 0 means 100M. The limit of a line of
    /// stdin, of --input jsonl and of a server, is 16 MiB, or twice the given size if that is more.
    #[arg(long, value_name = "BYTES", value_parser = values::bytes, help_heading = SESSION)]
    pub max_message: Option<u64>,

    /// Maximum payload of a data frame to send [default: 64K]
    ///
    /// Sends a longer message in several frames, its fragments. Pings, pongs and Closes are sent
    /// between them. K, M and G stand for powers of 1024. The default is 64K, 32K with
    /// --delimiter none, and 16M for messages that a server sends back.
    #[arg(long, value_name = "BYTES", value_parser = values::fragment, help_heading = SESSION)]
    pub fragment: Option<NonZeroUsize>,

    /// Ping after this much silence; 0 to disable
    ///
    /// Sends a ping when no bytes have arrived from the peer for this long.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = values::seconds)]
    #[arg(help_heading = SESSION)]
    pub ping_interval: Duration,

    /// Fail if nothing arrives this long after a ping
    ///
    /// Ends the session with exit status 28 if no bytes arrive from the peer within this time after
    /// a ping was written. While the ping waits behind our own messages, the peer must read some of
    /// their bytes within this time. 0 is no limit, the default of a client; that of a server is 20
    /// seconds.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = SESSION)]
    pub ping_timeout: Option<Duration>,

    /// Fail after this long without a message in either direction
    ///
    /// Ends the session with exit status 28 if no message, nor a part of one, is sent or received
    /// for this long. Not limited by default.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds, help_heading = SESSION)]
    pub idle_timeout: Option<Duration>,

    /// Time limit for closing a session
    ///
    /// Limits the time from the first Close to the end of the connection. Nothing that the peer
    /// sends extends it.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = values::seconds)]
    #[arg(help_heading = SESSION)]
    pub close_timeout: Duration,

    /// Set the permessage-deflate parameters (RFC 7692)
    ///
    /// Replaces the default offer of permessage-deflate (client_max_window_bits, as browsers send)
    /// with PARAMS, which the man page lists. Parameters are separated by semicolons; a comma starts
    /// an alternative offer. With 'listen', PARAMS apply as far as the client's offer allows.
    #[arg(long, value_name = "PARAMS", num_args = 0..=1, require_equals = true)]
    #[arg(value_parser = values::offers, help_heading = SESSION)]
    #[allow(clippy::option_option, reason = "an option that may have a value")]
    pub compress: Option<Option<Offers>>,

    /// Disable compression
    ///
    /// Neither offers nor accepts permessage-deflate.
    #[arg(long, overrides_with = "compress", help_heading = SESSION)]
    pub no_compress: bool,

    /// Compression level, from 1 (fastest) to 9 (smallest)
    #[arg(long, value_name = "N", default_value = "1", help_heading = SESSION)]
    #[arg(value_parser = values::compress_level)]
    pub compress_level: u32,

    /// Minimum size of a message to compress; 0 for all
    ///
    /// Sends shorter messages uncompressed. K, M and G stand for powers of 1024.
    #[arg(long, value_name = "BYTES", default_value = "1024", value_parser = values::bytes)]
    #[arg(help_heading = SESSION)]
    pub compress_min: u64,

    #[command(flatten)]
    pub diagnostics: DiagnosticsArgs,

    /// Use colours
    ///
    /// NO_COLOR, CLICOLOR and CLICOLOR_FORCE apply with "auto".
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN", help_heading = OUTPUT)]
    pub color: ColorChoice,

    /// Disable colours; same as --color never
    #[arg(long, overrides_with = "color", help_heading = OUTPUT)]
    pub no_color: bool,
}
