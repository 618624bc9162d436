//! The arguments about colours.

use super::args::ColorChoice;
use crate::job::ColorMode;

/// Returns when to use colours.
pub(super) fn mode(choice: ColorChoice, no_color: bool) -> ColorMode {
    match choice {
        _ if no_color => ColorMode::Never,
        ColorChoice::Auto => ColorMode::Auto,
        ColorChoice::Always => ColorMode::Always,
        ColorChoice::Never => ColorMode::Never,
    }
}
