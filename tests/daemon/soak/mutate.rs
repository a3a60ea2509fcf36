//! Session descriptions spoilt in the ways in which clients, proxies and enemies spoil them. The same seed spoils in
//! the same way.

use super::random::Random;

/// What stands in the place of a word.
const WORDS: [&str; 40] = [
    "",
    "0",
    "1",
    "-1",
    "9",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "99999999999999999999999999999999",
    "1e999",
    "NaN",
    "0x7f",
    "%n%s%n%s",
    "\0",
    "\u{7f}",
    "é",
    "\u{202e}",
    "🎥",
    "*",
    "-",
    "::",
    "127.0.0.1",
    "0.0.0.0",
    "localhost",
    "BUNDLE",
    "sendrecv",
    "sendonly",
    "inactive",
    "active",
    "passive",
    "holdconn",
    "sha-1",
    "UDP/TLS/RTP/SAVPF",
];

/// Lines that a description might have, and that are seldom where they belong.
const LINES: [&str; 44] = [
    "v=1",
    "o=- 0 0 IN IP4 0",
    "s=",
    "t=1 2",
    "k=clear:x",
    "b=AS:0",
    "b=TIAS:99999999999",
    "c=IN IP6 ::1",
    "a=group:BUNDLE",
    "a=group:BUNDLE 0 0 0",
    "a=group:LS 0 1",
    "a=mid:0",
    "a=mid:",
    "a=ice-lite",
    "a=ice-ufrag:a",
    "a=ice-pwd:short",
    "a=ice-options:renomination trickle ice2",
    "a=setup:holdconn",
    "a=setup:actpass",
    "a=tls-id:1",
    "a=identity:x",
    "a=rtcp-mux-only",
    "a=rtcp:0 IN IP4 0.0.0.0",
    "a=bundle-only",
    "a=simulcast:send 1;2 recv 3",
    "a=rid:1 send pt=96",
    "a=ssrc:0 cname:",
    "a=ssrc:4294967296 cname:x",
    "a=ssrc-group:FID 1 2 3",
    "a=ssrc-group:SIM 1 1 1",
    "a=msid:- -",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
    "a=sctp-port:0",
    "a=sctpmap:5000 webrtc-datachannel 65535",
    "a=max-message-size:0",
    "a=extmap:0 urn:x",
    "a=extmap:14/recvonly urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=rtpmap:96 H264/0",
    "a=fmtp:96 apt=96",
    "a=rtcp-fb:* nack",
    "a=candidate:1 1 udp 1 127.0.0.1 9 typ host",
    "a=candidate:1 9 tcp 0 :: 0 typ prflx raddr :: rport 0",
    "a=end-of-candidates",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
];

/// One to four things are done to a description; `others` are pieces for it.
pub fn mutate(random: &mut Random, text: &str, others: &[&str]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // Most have one mistake: what passes the first check meets the next.
    let count = [1, 1, 1, 2, 3, 4][random.below(6)];
    for _ in 0..count {
        once(random, &mut lines, others);
    }
    let end = if random.below(50) == 0 { "\n" } else { "\r\n" };
    let mut text = lines.join(end);
    if random.below(50) != 0 {
        text += end;
    }
    text
}

fn once(random: &mut Random, lines: &mut Vec<String>, others: &[&str]) {
    if lines.is_empty() {
        lines.push("v=0".to_owned());
    }
    let (at, other) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(14) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(other, lines[at].clone()),
        2 => lines.swap(at, other),
        3 => {
            let line = lines.remove(at);
            lines.insert(other.min(lines.len()), line);
        }
        4 | 5 => lines[at] = word_replaced(random, &lines[at]),
        6 => lines[at] = number_replaced(random, &lines[at]),
        7 => lines.insert(at, random.pick(&LINES).to_owned()),
        8 => lines[at] = flipped(random, &lines[at]),
        9 => {
            // The rest is another description's.
            let other: Vec<_> = random.pick(others).lines().map(str::to_owned).collect();
            lines.truncate(at);
            lines.extend(other.into_iter().skip(at));
        }
        10 => sections(random, lines),
        11 => {
            // Attributes in another order.
            let end = (at + 2 + random.below(12)).min(lines.len());
            lines[at..end].reverse();
        }
        12 => {
            let times = [10, 100, 700][random.below(3)];
            let line = lines[at].clone();
            (0..times).for_each(|_| lines.insert(at, line.clone()));
        }
        _ => {
            let long = [100, 4_000, 5_000, 70_000][random.below(4)];
            lines[at].push_str(&"x".repeat(long));
        }
    }
}

/// A whole m-section is doubled, moved or taken away.
fn sections(random: &mut Random, lines: &mut Vec<String>) {
    let mut starts: Vec<_> = (0..lines.len()).filter(|at| lines[*at].starts_with("m=")).collect();
    if starts.is_empty() {
        return;
    }
    starts.push(lines.len());
    let number = random.below(starts.len() - 1);
    let section: Vec<_> = lines[starts[number]..starts[number + 1]].to_vec();
    match random.below(3) {
        0 => lines.extend(section),
        1 => drop(lines.drain(starts[number]..starts[number + 1])),
        _ => {
            lines.drain(starts[number]..starts[number + 1]);
            lines.extend(section);
        }
    }
}

/// The places in a line where a word begins and ends.
fn words(line: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, letter) in line.char_indices() {
        if " :=/;,".contains(letter) {
            found.push((start, at));
            start = at + 1;
        }
    }
    found.push((start, line.len()));
    found
}

fn word_replaced(random: &mut Random, line: &str) -> String {
    let words = words(line);
    let (start, end) = words[random.below(words.len())];
    format!("{}{}{}", &line[..start], random.pick(&WORDS), &line[end..])
}

fn number_replaced(random: &mut Random, line: &str) -> String {
    let number = |(start, end): &(usize, usize)| {
        *start < *end && line[*start..*end].bytes().all(|b| b.is_ascii_digit())
    };
    let numbers: Vec<_> = words(line).into_iter().filter(number).collect();
    if numbers.is_empty() {
        return word_replaced(random, line);
    }
    let (start, end) = numbers[random.below(numbers.len())];
    let number = match random.below(4) {
        0 => (random.next() % 130).to_string(),
        1 => (random.next() % 70_000).to_string(),
        2 => random.next().to_string(),
        _ => "9".repeat(1 + random.below(60)),
    };
    format!("{}{number}{}", &line[..start], &line[end..])
}

/// One bit is another one; what is no text then is shown as decoders show it.
fn flipped(random: &mut Random, line: &str) -> String {
    let mut bytes = line.as_bytes().to_vec();
    if let Some(byte) = {
        let at = random.below(bytes.len());
        bytes.get_mut(at)
    } {
        *byte ^= 1 << random.below(8);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
