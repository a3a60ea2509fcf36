//! Guessing, one after the other and at once, held against tables and random histories.

use super::*;
use proptest::prelude::*;
use std::net::IpAddr;

const SECOND: Duration = Duration::from_secs(1);

fn client(n: u32) -> ClientNet {
    ClientNet::of(IpAddr::V4(n.into()))
}

fn account(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

#[test]
fn an_account_is_held_up_whoever_guesses() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    let anna = account("anna");
    for n in 0..5 {
        assert_eq!(throttle.begin(now, client(n), Some(&anna)), Ok(()));
    }
    assert_eq!(throttle.begin(now, client(9), Some(&anna)), Err(SECOND));
    assert_eq!(throttle.begin(now, client(9), Some(&account("bert"))), Ok(()), "another account");
    assert_eq!(throttle.begin(now, client(10), None), Ok(()), "the link");
    assert_eq!(throttle.begin(now + SECOND, client(9), Some(&anna)), Ok(()));
    throttle.right(client(9), Some(&anna));
    assert_eq!(throttle.begin(now + SECOND, client(11), Some(&anna)), Ok(()), "success clears the count");
}

#[test]
fn who_was_let_in_by_name_is_not_locked_out_by_guesses_from_elsewhere() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    let anna = account("anna");
    throttle.begin(now, client(1), Some(&anna)).unwrap();
    throttle.right(client(1), Some(&anna));
    for n in 2..7 {
        throttle.begin(now, client(n), Some(&anna)).unwrap();
    }
    assert_eq!(throttle.begin(now, client(8), Some(&anna)), Err(SECOND));
    for _ in 0..5 {
        assert_eq!(throttle.begin(now, client(1), Some(&anna)), Ok(()));
    }
    assert_eq!(throttle.begin(now, client(1), Some(&anna)), Err(SECOND), "its own mistakes count");
}

#[test]
fn attempts_at_once_are_held_to_the_same_limit() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    let anna = account("anna");
    let begun = (0..100).filter(|_| throttle.begin(now, client(1), Some(&anna)).is_ok()).count();
    assert_eq!(begun, 5, "though none has been found wrong yet");
}

#[test]
fn what_was_right_takes_nothing_from_the_others() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    for n in 0..500 {
        assert_eq!(throttle.attempt(now, client(n), || true), Attempt::Right);
    }
}

#[test]
fn delays_grow_up_to_five_minutes() {
    let seconds: Vec<u64> = (0..=20).map(|n| delay_after(n).as_secs()).collect();
    assert_eq!(seconds[..6], [0, 0, 0, 0, 0, 1]);
    assert_eq!(seconds[6..14], [2, 4, 8, 16, 32, 64, 128, 256]);
    assert!(seconds[14..].iter().all(|s| *s == 300));
    assert_eq!(delay_after(u32::MAX), LONGEST_DELAY);
}

#[test]
fn after_five_failures_even_the_right_secret_has_to_wait() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    for _ in 0..5 {
        assert_eq!(throttle.attempt(now, client(1), || false), Attempt::Wrong);
    }
    let throttled = throttle.attempt(now, client(1), || unreachable!("not looked at"));
    assert_eq!(throttled, Attempt::Throttled { retry_after: SECOND });
    assert_eq!(throttle.attempt(now, client(2), || true), Attempt::Right, "others do not wait");
    assert_eq!(throttle.attempt(now + SECOND, client(1), || true), Attempt::Right);
    assert_eq!(
        throttle.attempt(now + SECOND, client(1), || false),
        Attempt::Wrong,
        "success clears the count"
    );
    assert_eq!(throttle.attempt(now + SECOND, client(1), || true), Attempt::Right);
}

#[test]
fn failures_are_forgotten_after_a_quarter_of_an_hour() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    for _ in 0..5 {
        throttle.attempt(now, client(1), || false);
    }
    let later = now + FORGOTTEN_AFTER;
    for _ in 0..4 {
        assert_eq!(throttle.attempt(later, client(1), || false), Attempt::Wrong);
    }
    assert_eq!(throttle.attempt(later, client(1), || true), Attempt::Right);
}

#[test]
fn many_addresses_together_are_held_to_one_failure_a_second() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    let wrong = (0..500).filter(|n| throttle.attempt(now, client(*n), || false) == Attempt::Wrong).count();
    assert_eq!(wrong, TOTAL_BURST as usize);
    let later = now + 10 * SECOND;
    let wrong =
        (500..1000).filter(|n| throttle.attempt(later, client(*n), || false) == Attempt::Wrong).count();
    assert_eq!(wrong, 10);
}

#[test]
fn of_many_refusals_some_are_told_and_the_others_counted() {
    let now = Instant::now();
    let mut refusals = Refusals::default();
    let told = (0..10_000).filter(|_| refusals.tell(now).is_some()).count();
    assert_eq!(told, 60);
    assert_eq!(refusals.tell(now + TOLD_INTERVAL), Some(9940));
}

proptest! {
    #[test]
    fn whatever_happens_the_table_is_bounded_and_failures_are_rare(
        attempts in proptest::collection::vec((0u32..3000, 0u64..3000, any::<bool>()), 1..4000),
    ) {
        let start = Instant::now();
        let mut now = start;
        let mut throttle = Throttle::default();
        let mut wrong = 0u64;
        for (who, step_ms, right) in attempts {
            now += Duration::from_millis(step_ms);
            match throttle.attempt(now, client(who), || right) {
                Attempt::Right => prop_assert!(right),
                Attempt::Wrong => { prop_assert!(!right); wrong += 1; }
                Attempt::Throttled { retry_after } => {
                    prop_assert!(!retry_after.is_zero() && retry_after <= LONGEST_DELAY);
                    prop_assert!(throttle.check(now + retry_after, client(who), None).is_ok());
                }
            }
            prop_assert!(throttle.clients.0.len() <= MOST_REMEMBERED);
        }
        prop_assert!(wrong <= u64::from(TOTAL_BURST) + (now - start).as_secs());
    }

    #[test]
    fn one_client_gets_few_guesses(gaps_ms in proptest::collection::vec(0u64..2000, 1..2000)) {
        let start = Instant::now();
        let mut now = start;
        let mut throttle = Throttle::default();
        let mut wrong = 0u64;
        for gap in gaps_ms {
            now += Duration::from_millis(gap);
            if throttle.attempt(now, client(1), || false) == Attempt::Wrong {
                wrong += 1;
            }
        }
        // 5 free, 8 while the delay doubles up to 256 s (511 s in all), then one in 300 s.
        let elapsed = (now - start).as_secs();
        prop_assert!(wrong <= 14 + elapsed / 300);
    }

    #[test]
    fn names_from_outside_fill_a_bounded_table(names in proptest::collection::vec("[a-z]{1,3}", 1..3000)) {
        let mut now = Instant::now();
        let mut throttle = Throttle::default();
        for (n, name) in names.iter().enumerate() {
            now += SECOND;
            let begun = throttle.begin(now, client(n as u32), Some(&account(name)));
            if n % 3 == 0 && begun.is_ok() {
                throttle.right(client(n as u32), Some(&account(name)));
            }
            prop_assert!(throttle.accounts.0.len() <= MOST_REMEMBERED && throttle.known.len() <= MOST_REMEMBERED);
        }
    }
}
