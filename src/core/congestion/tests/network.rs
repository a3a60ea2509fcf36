//! A link of a given rate, queue, delay, jitter and loss, and a source of frames.

/// Numbers that look random and are the same in each run.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 0 to 1.
    pub fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }
}

/// UDP, IP, SRTP: what each packet has on the link that is not counted.
const OVERHEAD: i64 = 38;

/// What a link is like. Times in microseconds.
#[derive(Debug, Clone)]
pub struct Link {
    /// From when on (in ms) it carries how much (in kbit/s); the first begins at 0.
    pub rates: Vec<(i64, i64)>,
    /// What waits beyond this is dropped, in ms of the rate.
    pub queue_ms: i64,
    /// One way, and from when on (in ms).
    pub delays: Vec<(i64, i64)>,
    pub jitter: i64,
    /// Arrivals come together so far apart; 0: one by one.
    pub bunch: i64,
    pub loss: f64,
    /// Of feedback.
    pub loss_back: f64,
    /// No feedback arrives between these, in ms.
    pub outage: Option<(i64, i64)>,
    pub random: Random,
    pub free_at: i64,
    pub last_arrival: i64,
}

pub fn link(kbps: i64) -> Link {
    Link {
        rates: vec![(0, kbps)],
        queue_ms: 300,
        delays: vec![(0, 15_000)],
        jitter: 2_000,
        bunch: 0,
        loss: 0.0,
        loss_back: 0.05,
        outage: None,
        random: Random::new(7),
        free_at: 0,
        last_arrival: 0,
    }
}

fn at(steps: &[(i64, i64)], now: i64) -> i64 {
    steps.iter().rev().find(|(from_ms, _)| from_ms * 1000 <= now).unwrap().1
}

impl Link {
    /// When a packet that is sent now arrives, if it does.
    pub fn send(&mut self, now: i64, bytes: u32) -> Option<i64> {
        let rate = at(&self.rates, now);
        let waiting = (self.free_at - now).max(0);
        if waiting > self.queue_ms * 1000 {
            return None;
        }
        self.free_at = now + waiting + (i64::from(bytes) + OVERHEAD) * 8_000 / rate;
        let lost = self.random.unit() < self.loss;
        let jitter = (self.random.unit() * self.jitter as f64) as i64;
        let mut arrival = (self.free_at + self.delay(now) + jitter).max(self.last_arrival);
        if self.bunch > 0 {
            arrival = (arrival + self.bunch - 1) / self.bunch * self.bunch;
        }
        self.last_arrival = arrival;
        (!lost).then_some(arrival)
    }

    pub fn delay(&self, now: i64) -> i64 {
        at(&self.delays, now)
    }

    /// What waits, in us.
    pub fn waiting(&self, now: i64) -> i64 {
        (self.free_at - now).max(0)
    }

    /// Whether what a viewer sends now arrives.
    pub fn hears(&mut self, now: i64) -> bool {
        let out = self.outage.is_some_and(|(from, to)| (from * 1000..to * 1000).contains(&now));
        !out && self.random.unit() >= self.loss_back
    }
}

/// One encode of a picture: frames of a rate, keyframes when asked for and now and then.
#[derive(Debug, Clone)]
pub struct Encoder {
    pub kbps: i64,
    /// When a keyframe comes, and when the last one was asked for.
    pub due: Option<i64>,
    last_key: i64,
}

/// Keyframes that others have asked for.
const OTHERS_US: i64 = 10_000_000;

impl Encoder {
    pub fn new(kbps: i64, random: &mut Random) -> Self {
        Self { kbps, due: Some(0), last_key: -(random.unit() * OTHERS_US as f64) as i64 }
    }

    /// A keyframe follows 100 to 400 ms later.
    pub fn ask(&mut self, now: i64, random: &mut Random) {
        if self.due.is_none() {
            self.due = Some(now + random.between(100_000.0, 400_000.0) as i64);
        }
    }

    /// The next frame's bytes, and whether it is a keyframe. `activity` is 0 for a picture that
    /// stands still, 1 for one that takes all of its rate.
    pub fn frame(&mut self, now: i64, activity: f64, random: &mut Random) -> (u32, bool) {
        let mean = self.kbps as f64 * 1000.0 / 8.0 / 30.0 * 0.96;
        let key = self.due.is_some_and(|due| due <= now) || now - self.last_key > OTHERS_US;
        if key {
            self.due = None;
            self.last_key = now;
            return ((mean * random.between(5.0, 8.0)) as u32, true);
        }
        ((mean * activity * random.between(0.5, 1.5)) as u32 + 60, false)
    }
}
