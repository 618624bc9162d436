//! Durations of the steps of opening a session.

use std::{fmt, time::Duration};

/// The duration of each step, added up over all attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Name lookups; zero for an address.
    pub resolve: Duration,
    /// Connecting over TCP or to a Unix socket.
    pub connect: Duration,
    /// Negotiation with the proxy.
    pub proxy: Duration,
    /// TLS handshakes.
    pub tls: Duration,
    /// The opening handshake, including the SETTINGS of HTTP/2.
    pub handshake: Duration,
}

impl Timing {
    /// Returns the sum of all steps.
    pub fn total(&self) -> Duration {
        self.steps().iter().fold(Duration::ZERO, |total, (_, time)| total.saturating_add(*time))
    }

    /// Returns the durations since `before`, an earlier state of the same timing.
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

    /// Returns the name and duration of each step.
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

/// Displays the total and the steps of at least `MIN_SHOWN`, in milliseconds.
impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        write!(f, "{:.1} ms", ms(self.total()))?;
        let steps = self.steps();
        let steps = steps.iter().filter(|(_, time)| *time >= MIN_SHOWN);
        for (i, (name, time)) in steps.enumerate() {
            write!(f, "{}{name} {:.1}", if i == 0 { ": " } else { ", " }, ms(*time))?;
        }
        Ok(())
    }
}

/// The shortest duration that does not round to 0.0 ms.
const MIN_SHOWN: Duration = Duration::from_micros(50);
