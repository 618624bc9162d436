//! Options of the opening request: header fields, credentials, cookies and redirects.

use super::heading::REQUEST;
use crate::cli::values::{self, HeaderArg};
use clap::{
    Args, ValueHint,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use std::{ffi::OsString, path::PathBuf};

#[derive(Clone, Debug, Default, Args)]
pub struct RequestArgs {
    /// Set a request header; may be repeated
    ///
    /// NAME:VALUE adds or replaces a header, NAME: removes it and NAME; sends it empty. @FILE reads
    /// one such header per line.
    #[arg(short = 'H', long, value_name = "NAME:VALUE", help_heading = REQUEST)]
    #[arg(value_parser = OsStringValueParser::new().try_map(values::header_arg))]
    pub header: Vec<HeaderArg>,

    /// Subprotocol to offer; may be repeated, in order of preference
    ///
    /// Each name may be given once.
    #[arg(short = 's', long, value_name = "NAME", value_parser = values::subprotocol)]
    #[arg(help_heading = REQUEST)]
    pub subprotocol: Vec<String>,

    /// Origin header; browsers send it, and some servers require it
    #[arg(short = 'o', long, value_name = "ORIGIN", value_parser = values::line)]
    #[arg(help_heading = REQUEST)]
    pub origin: Option<String>,

    /// Host header, instead of the URL's host
    #[arg(long, value_name = "HOST", value_parser = values::line, help_heading = REQUEST)]
    pub host: Option<String>,

    /// User-Agent header [default: sockeye/VERSION]
    #[arg(short = 'A', long, value_name = "NAME", value_parser = values::line)]
    #[arg(help_heading = REQUEST)]
    pub user_agent: Option<String>,

    /// Credentials for HTTP Basic or Digest authentication
    ///
    /// Sent as Basic, or as Digest if the server requests it. Without a password, prompts on the
    /// terminal. To keep the secret out of the process list, pass env:NAME (a variable), file:PATH
    /// (the first line of a file) or cmd:COMMAND (the first line the command prints). Cannot be
    /// combined with --bearer.
    #[arg(short = 'u', long, visible_alias = "user", value_name = "USER[:PASSWORD]")]
    #[arg(value_parser = values::secret, help_heading = REQUEST)]
    pub auth: Option<String>,

    /// Send credentials only in response to a Digest challenge
    #[arg(long, help_heading = REQUEST)]
    pub digest: bool,

    /// Bearer token for the Authorization header
    ///
    /// env:NAME, file:PATH and cmd:COMMAND read it from a variable, a file or a command. Cannot be
    /// combined with --auth.
    #[arg(long, value_name = "TOKEN", value_parser = values::secret, help_heading = REQUEST)]
    #[arg(conflicts_with = "auth")]
    pub bearer: Option<String>,

    /// Read credentials from a netrc file [default: $NETRC or ~/.netrc]
    ///
    /// Uses the entry for the server's host.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[arg(value_hint = ValueHint::FilePath, help_heading = REQUEST)]
    #[allow(clippy::option_option, reason = "an option that may have a value")]
    pub netrc: Option<Option<PathBuf>>,

    /// Cookie, or the path of a cookie file; may be repeated
    ///
    /// A value without = is the path of a cookie file in Netscape format, as browsers export it.
    /// env:NAME and cmd:COMMAND refer to a cookie, file:PATH to a cookie file.
    #[arg(long, value_name = "NAME=VALUE", help_heading = REQUEST)]
    #[arg(value_parser = OsStringValueParser::new().try_map(values::cookie))]
    pub cookie: Vec<OsString>,

    /// Read cookies from FILE, and write them back at the end
    ///
    /// The file has the Netscape format and is created if it does not exist. At the end of the run
    /// it holds its cookies and those that servers have set, including session cookies. Without
    /// this option, a cookie that a server sets is kept until the end of the run: it is sent after
    /// redirects and in later sessions to the hosts and paths that it is for. Runs at the same time
    /// may share the file: each adds its changes to it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = REQUEST)]
    #[arg(value_parser = OsStringValueParser::new().try_map(values::cookie_jar))]
    pub cookie_jar: Option<PathBuf>,

    /// Keep . and .. in the path
    ///
    /// Without this option, the path segments . and .. are removed as browsers do. Everything else
    /// is sent as typed, except characters that must be percent-encoded.
    #[arg(long, help_heading = REQUEST)]
    pub path_as_is: bool,

    /// WebSocket protocol version to request [default: 13]
    #[arg(short = 'p', long, value_name = "VERSION", value_parser = values::version)]
    #[arg(help_heading = REQUEST)]
    pub protocol: Option<u8>,

    /// Follow redirects
    ///
    /// Credentials are not sent to another origin. Redirects from wss:// to ws:// are refused.
    #[arg(short = 'L', long, help_heading = REQUEST)]
    pub location: bool,

    /// Maximum number of redirects to follow [default: 10]
    ///
    /// Applies with --location. One redirect more ends the run with exit status 47.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10")]
    #[arg(value_parser = values::redirects, help_heading = REQUEST)]
    pub max_redirects: Option<String>,
}
