//! What a daemon has to survive that nobody looks after: viewers that come and go, and input that no honest
//! client sends. Short in every run of the tests; `make soak` makes it long and keeps the figures.

mod campaign;
mod honest;
mod joins;
mod mutate;
mod others;
mod random;
mod relay;
mod stun;
mod tls;
mod wire;
mod words;

use std::time::Duration;

/// How long it is to be: `VITRINA_SOAK`, 0 without it, which is short. 1 is what `make soak` does.
pub fn length() -> usize {
    std::env::var("VITRINA_SOAK").map_or(0, |length| length.parse().expect("VITRINA_SOAK is a number"))
}

/// `short` in every run of the tests, `long` times the length in `make soak`.
pub fn times(short: usize, long: usize) -> usize {
    match length() {
        0 => short,
        length => long * length,
    }
}

/// A sentence under that table.
pub fn measured(text: &str) {
    println!("MEASURED {text}");
}

/// Something that is tried: a line for the table of docs/reliability.md, also where it is not survived.
pub struct Trying<'a>(&'a str);

impl<'a> Trying<'a> {
    pub fn begin(fault: &'a str) -> Self {
        Self(fault)
    }

    /// It was survived so often; where something had to come back, with how long that took.
    pub fn survived(self, tries: usize, back: Option<Duration>) {
        let back = back.map(|time| format!(" ms={}", time.as_millis())).unwrap_or_default();
        println!("RECOVERY fault=\"{}\" tries={tries}{back}", self.0);
        std::mem::forget(self);
    }
}

impl Drop for Trying<'_> {
    fn drop(&mut self) {
        println!("RECOVERY fault=\"{}\" survived=0", self.0);
    }
}
