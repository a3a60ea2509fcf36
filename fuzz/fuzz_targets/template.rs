//! A launch description of a user's, with what its first line says put into it: that stays inside its quotes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vitrina_fuzz::core::template::{Value, Values, render};

fn values(device: &str) -> Values {
    let device = ("device", Value::String(device.to_owned()));
    Values::from([device, ("width", Value::Int(640)), ("live", Value::Bool(true))])
}

fuzz_target!(|input: &str| {
    let (value, text) = input.split_once('\n').unwrap_or_default();
    let Ok(with) = render(text, &values(value)) else { return };
    // Another value changes nothing but what stands between the quotes.
    let without = render(text, &values("")).expect("whether it is a description does not hang on a value");
    let inside = value.replace('\\', "\\\\").replace('"', "\\\"").len().max(1);
    let grown = with.len().checked_sub(without.len()).expect("nothing is taken away");
    assert_eq!(grown % inside, 0, "{with:?} {without:?}");
});
