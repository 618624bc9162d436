//! The times that the steps of opening a session take.

use std::{fmt, time::Duration};

/// What each step took; over all attempts, where there were several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Looking names up; nothing for an address.
    pub resolve: Duration,
    /// TCP, or a Unix socket.
    pub connect: Duration,
    /// The proxy.
    pub proxy: Duration,
    /// TLS.
    pub tls: Duration,
    /// The opening handshake.
    pub handshake: Duration,
}

impl Timing {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.steps().iter().map(|(_, time)| *time).sum()
    }

    /// What of it came after this much of it.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            resolve: self.resolve.saturating_sub(before.resolve),
            connect: self.connect.saturating_sub(before.connect),
            proxy: self.proxy.saturating_sub(before.proxy),
            tls: self.tls.saturating_sub(before.tls),
            handshake: self.handshake.saturating_sub(before.handshake),
        }
    }

    /// Each step by its name.
    pub fn steps(&self) -> [(&'static str, Duration); 5] {
        [
            ("resolve", self.resolve),
            ("connect", self.connect),
            ("proxy", self.proxy),
            ("tls", self.tls),
            ("handshake", self.handshake),
        ]
    }
}

/// Those that took time, in milliseconds.
impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        write!(f, "{:.1} ms", ms(self.total()))?;
        let steps = self.steps();
        let steps = steps.iter().filter(|(_, time)| *time >= SHOWN);
        for (i, (name, time)) in steps.enumerate() {
            write!(f, "{}{name} {:.1}", if i == 0 { ": " } else { ", " }, ms(*time))?;
        }
        Ok(())
    }
}

/// Less than this would be shown as nothing.
const SHOWN: Duration = Duration::from_micros(50);
