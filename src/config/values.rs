//! What each sort of value may be: sizes, rates, ranges, addresses, names.
//!
//! Pure functions from a TOML value to a type or to the words for what was expected.

use super::keys::{nearest, one_of};
use super::reader::{Read, Wrong};
use super::{H264_ENCODERS, Secret};
use crate::core::ice::Advertised;
use crate::core::ids::SourceName;
use crate::core::protocol::MediaKind;
use crate::core::units::{Bitrate, FrameRate, Size};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeValue;

/// Pixels of a picture's side: less than 16 is no macroblock, more than 8192 no encoder takes.
const SIDE: RangeInclusive<u32> = 16..=8192;

pub(super) const SOURCE_NAME: &str = "a name: 1 to 32 of a-z, 0-9, '-' and '_', beginning with a letter";
pub(super) const URI: &str = "a URI with its scheme, rtsp://camera.local/stream or file:///srv/film.mp4";
pub(super) const LAUNCH_FILE: &str =
    "the name of a file in the folder pipelines beside this file, ending in .launch";

pub(super) fn boolean(value: &DeValue<'_>) -> Read<bool> {
    value.as_bool().ok_or_else(|| Wrong::expected("true or false"))
}

fn whole_number(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A whole number of `what` (`kbit/s`, or nothing) in a range.
pub(super) fn integer(what: &'static str, range: RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Read<u32> {
    move |value| {
        let number = whole_number(value).and_then(|number| u32::try_from(number).ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| Wrong::expected(range_of(what, &range)))
    }
}

fn range_of(what: &str, range: &RangeInclusive<u32>) -> String {
    let of = if what.is_empty() { String::new() } else { format!(" of {what}") };
    format!("a whole number{of} from {} to {}", range.start(), range.end())
}

/// How many of something.
pub(super) fn count(range: RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Read<usize> {
    move |value| integer("", range.clone())(value).map(|number| number as usize)
}

/// A bit rate in kbit/s.
pub(super) fn bitrate(range: RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Read<Bitrate> {
    move |value| integer("kbit/s", range.clone())(value).map(Bitrate::from_kbps)
}

/// A bit rate of a picture.
pub(super) fn video_bitrate(value: &DeValue<'_>) -> Read<Bitrate> {
    bitrate(50..=100_000)(value)
}

/// A time in seconds, whole or not.
pub(super) fn seconds(range: RangeInclusive<f64>) -> impl Fn(&DeValue<'_>) -> Read<Duration> {
    move |value| {
        let number = match value {
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => whole_number(value).and_then(|number| u32::try_from(number).ok()).map(f64::from),
        };
        let seconds = number.filter(|number: &f64| range.contains(number));
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
            Wrong::expected(format!("a number of seconds from {} to {}", range.start(), range.end()))
        })
    }
}

/// A time in whole milliseconds.
pub(super) fn milliseconds(range: RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Read<Duration> {
    move |value| integer("milliseconds", range.clone())(value).map(|ms| Duration::from_millis(u64::from(ms)))
}

/// A text of one line; `what` says what it is.
pub(super) fn text(what: &'static str, longest: usize) -> impl Fn(&DeValue<'_>) -> Read<String> {
    move |value| {
        let fits = |text: &&str| {
            !text.trim().is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
        };
        let expected = || format!("{what}: 1 to {longest} characters on one line");
        value.as_str().filter(fits).map(str::to_owned).ok_or_else(|| Wrong::expected(expected()))
    }
}

/// One of some words; a near one is suggested.
pub(super) fn word<T: Copy>(words: &[(&'static str, T)]) -> impl Fn(&DeValue<'_>) -> Read<T> {
    move |value| {
        let text = value.as_str().unwrap_or_default();
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*meaning);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let near = nearest(text, &names).map(|near| format!("\"{near}\""));
        Err(Wrong::expected(self::words(words)).perhaps(near))
    }
}

/// The words of [`word`] in a sentence.
pub(super) fn words<T>(words: &[(&'static str, T)]) -> String {
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    one_of(&quoted)
}

/// An address and a port.
pub(super) fn socket_address(value: &DeValue<'_>) -> Read<SocketAddr> {
    let address = value.as_str().and_then(|text| text.parse().ok());
    address.ok_or_else(|| Wrong::expected("an IP address and a port, \"0.0.0.0:8443\" or \"[::1]:8443\""))
}

/// An address of this machine.
pub(super) fn local_address(value: &DeValue<'_>) -> Read<IpAddr> {
    let address: Option<IpAddr> = value.as_str().and_then(|text| text.parse().ok());
    address
        .filter(|address| !address.is_unspecified() && !address.is_multicast())
        .ok_or_else(|| Wrong::expected("an IP address of this machine, \"192.168.1.20\""))
}

/// A port.
pub(super) fn port(value: &DeValue<'_>) -> Read<u16> {
    integer("", 1..=65535)(value).map(|port| u16::try_from(port).unwrap_or(u16::MAX))
}

/// `ADDRESS` or `ADDRESS:PORT`, as others see this machine.
pub(super) fn advertised(value: &DeValue<'_>) -> Read<Advertised> {
    let text = value.as_str().unwrap_or_default();
    let bare = text.parse().ok().map(|address: IpAddr| Advertised { address, port: None });
    let with_port = || {
        let at: SocketAddr = text.parse().ok()?;
        Some(Advertised { address: at.ip(), port: Some(at.port()).filter(|port| *port != 0) })
    };
    bare.or_else(with_port)
        .filter(|at| !at.address.is_unspecified() && !at.address.is_multicast())
        .ok_or_else(|| {
            Wrong::expected("an IP address, or one and a port, \"203.0.113.7\" or \"203.0.113.7:8443\"")
        })
}

/// `WIDTHxHEIGHT`
pub(super) fn size(value: &DeValue<'_>) -> Read<Size> {
    let size = value.as_str().and_then(|text| {
        let (width, height) = text.split_once('x')?;
        Some(Size { width: digits(width)?, height: digits(height)? })
    });
    size.filter(|size| SIDE.contains(&size.width) && SIDE.contains(&size.height)).ok_or_else(|| {
        let (least, most) = (SIDE.start(), SIDE.end());
        Wrong::expected(format!("a size in pixels, \"1280x720\", each side from {least} to {most}"))
    })
}

/// A part of the whole: 0.5 is half of each side.
pub(super) fn scale(value: &DeValue<'_>) -> Read<f64> {
    let scale = match value {
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => whole_number(value).filter(|number| *number == 1).map(|_| 1.0),
    };
    scale
        .filter(|scale| (0.05..=1.0).contains(scale))
        .ok_or_else(|| Wrong::expected("a part of each side, from 0.05 to 1"))
}

/// One side of a picture.
pub(super) fn side(value: &DeValue<'_>) -> Read<u32> {
    integer("pixels", SIDE)(value)
}

/// The words of [`side`].
pub(super) fn side_expected() -> String {
    range_of("pixels", &SIDE)
}

/// Frames a second: a whole number, or a fraction as text.
pub(super) fn frame_rate(value: &DeValue<'_>) -> Read<FrameRate> {
    let rate = match value.as_str() {
        Some(text) => text.split_once('/').and_then(|(numerator, denominator)| {
            Some(FrameRate { numerator: digits(numerator)?, denominator: digits(denominator)? })
        }),
        None => whole_number(value).and_then(|fps| u32::try_from(fps).ok()).map(FrameRate::whole),
    };
    rate.filter(|rate| rate.denominator > 0 && (1.0..=240.0).contains(&rate.as_f64())).ok_or_else(|| {
        Wrong::expected("frames a second from 1 to 240: a whole number or a fraction, \"30000/1001\"")
    })
}

/// Digits and nothing else: `parse` alone takes a sign.
fn digits(text: &str) -> Option<u32> {
    let text = text.trim();
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

pub(super) fn source_name(value: &DeValue<'_>) -> Read<SourceName> {
    let name = value.as_str().and_then(|text| SourceName::new(text).ok());
    name.ok_or_else(|| Wrong::expected(SOURCE_NAME))
}

/// The fewest characters of a password: fewer can be guessed even against a throttle.
const SHORTEST_PASSWORD: usize = 8;

pub(super) fn password(value: &DeValue<'_>) -> Read<Secret> {
    let password = value.as_str().and_then(strong_enough);
    password.ok_or_else(|| Wrong::expected(format!("a password of {SHORTEST_PASSWORD} characters or more")))
}

/// The password in a file's text: all of it but the line end.
pub(super) fn strong_enough(text: &str) -> Option<Secret> {
    let password = text.trim_end_matches(['\r', '\n']);
    (password.chars().count() >= SHORTEST_PASSWORD && !password.contains('\n'))
        .then(|| Secret::new(password.to_owned()))
}

/// A path. Messages and logs show it, so it stays on one line.
pub(super) fn path(value: &DeValue<'_>) -> Read<PathBuf> {
    let path = value.as_str().filter(|text| !text.is_empty() && !text.chars().any(char::is_control));
    path.map(PathBuf::from).ok_or_else(|| Wrong::expected("a path"))
}

/// An `http` or `https` URL without query or fragment; a slash at its end is taken off.
pub(super) fn public_url(value: &DeValue<'_>) -> Read<String> {
    let url = value.as_str().and_then(|text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let host = rest.split('/').next()?;
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '@' | '"' | '<' | '>' | '\\');
        (!host.is_empty() && rest.chars().all(plain)).then(|| text.trim_end_matches('/').to_owned())
    });
    url.ok_or_else(|| Wrong::expected("a URL without query and fragment, \"https://cam.example.org\""))
}

/// An origin as browsers write it (RFC 6454 section 6.2), or `*`.
pub(super) fn web_origin(value: &DeValue<'_>) -> Read<String> {
    let origin = value.as_str().filter(|text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        *text == "*" || rest.is_some_and(crate::core::access::is_authority)
    });
    let expected = "an origin, \"https://www.example.org\", or \"*\"";
    origin.map(str::to_owned).ok_or_else(|| Wrong::expected(expected))
}

/// A STUN or TURN URL (RFC 7064, RFC 7065).
pub(super) fn ice_url(value: &DeValue<'_>) -> Read<String> {
    let url = value.as_str().filter(|text| {
        let Some((scheme, rest)) = text.split_once(':') else { return false };
        let (host, query) = rest.split_once('?').map_or((rest, None), |(host, query)| (host, Some(query)));
        let transport = match scheme {
            "stun" => query.is_none(),
            "turn" | "turns" => query.is_none_or(|query| matches!(query, "transport=udp" | "transport=tcp")),
            _ => false,
        };
        transport && is_host_and_port(host)
    });
    url.map(str::to_owned).ok_or_else(|| {
        Wrong::expected("\"stun:HOST:PORT\", \"turn:HOST:PORT\" or \"turns:HOST:PORT\", without slashes")
    })
}

fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or("bad"))),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let literal = text.starts_with('[');
    let letters =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_') || (literal && b == b':');
    let port_fits = |port: &str| digits(port).is_some_and(|port| (1..=65535).contains(&port));
    !host.is_empty() && host.bytes().all(letters) && port.is_none_or(port_fits)
}

/// The name of an encoder element.
pub(super) fn encoder(value: &DeValue<'_>) -> Read<String> {
    let text = value.as_str().unwrap_or_default();
    if H264_ENCODERS.contains(&text) {
        return Ok(text.to_owned());
    }
    let wrong = Wrong::expected(format!("an H.264 encoder: {}", one_of(&H264_ENCODERS)));
    Err(wrong.perhaps(nearest(text, &H264_ENCODERS).map(|near| format!("\"{near}\""))))
}

pub(super) fn media(value: &DeValue<'_>) -> Read<MediaKind> {
    word(&[("video", MediaKind::Video), ("audio", MediaKind::Audio)])(value)
}

/// The levels of a filter.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// `LEVEL` or `TARGET=LEVEL`, with commas between: of the filters that tracing-subscriber takes
/// those that can be checked; a mistyped level is a target there, and silently shows everything.
/// Given back without spaces, which it does not take.
pub(super) fn log_filter(value: &DeValue<'_>) -> Read<String> {
    let text = value.as_str().unwrap_or_default();
    let is_target = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':');
    let fits = |directive: &&str| match directive.split_once('=') {
        Some((target, level)) => {
            !target.is_empty() && target.chars().all(is_target) && LEVELS.contains(&level)
        }
        None => LEVELS.contains(directive),
    };
    let directives: Vec<&str> = text.split(',').map(str::trim).collect();
    if text.len() <= 1000 && directives.iter().all(fits) {
        return Ok(directives.join(","));
    }
    let expected = format!("{}, or such for a part: \"vitrina=debug,warn\"", one_of(&LEVELS));
    Err(Wrong::expected(expected).perhaps(nearest(text, &LEVELS).map(|near| format!("\"{near}\""))))
}

/// A URI that GStreamer takes: a scheme and something behind it (RFC 3986 section 3.1).
pub(super) fn uri(value: &DeValue<'_>) -> Read<String> {
    let text = value.as_str().unwrap_or_default();
    let is_scheme = |scheme: &str| {
        scheme.len() > 1
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    };
    let graphic = |c: char| !c.is_control() && !c.is_whitespace();
    match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) && !rest.is_empty() && rest.chars().all(graphic) => {
            Ok(text.to_owned())
        }
        _ if text.starts_with('/') => {
            Err(Wrong::expected(URI).perhaps(Some("file:// before the path".to_owned())))
        }
        _ => Err(Wrong::expected(URI)),
    }
}

/// A launch file's bare name.
pub(super) fn launch_file(value: &DeValue<'_>) -> Read<String> {
    let text = value.as_str().unwrap_or_default();
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let stem = text.strip_suffix(".launch").unwrap_or_default();
    let fits = !stem.is_empty() && !stem.starts_with('.') && text.len() <= 100 && stem.bytes().all(letters);
    if fits {
        return Ok(text.to_owned());
    }
    let only_ending = !text.is_empty() && !text.ends_with(".launch") && text.bytes().all(letters);
    Err(Wrong::expected(LAUNCH_FILE).perhaps(only_ending.then(|| format!("\"{text}.launch\""))))
}

/// An X display: `:0`, `:1.0`, `host:0`.
pub(super) fn display(value: &DeValue<'_>) -> Read<String> {
    let fits = |text: &&str| {
        let Some((host, number)) = text.rsplit_once(':') else { return false };
        let (number, screen) = number.split_once('.').unwrap_or((number, "0"));
        let number_fits = |text: &str| !text.is_empty() && digits(text).is_some();
        number_fits(number)
            && number_fits(screen)
            && host.chars().all(|c| c.is_ascii_graphic())
            && text.len() < 256
    };
    let display = value.as_str().filter(fits).map(str::to_owned);
    display.ok_or_else(|| Wrong::expected("an X display, \":0\""))
}
