//! What was said in a room: numbered without a gap, the latest of it kept.

use crate::core::ids::ParticipantId;
use crate::core::protocol::Said;

/// So many messages are kept where the configuration says fewer: who comes back after a lost
/// connection misses none of them.
const KEPT_AT_LEAST: usize = 200;
/// All texts of a room together, in bytes; the earliest are dropped beyond it.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// The largest number that what was said before begins with: there are as many to go until a browser counts
/// them no more.
const MOST_BEFORE: u64 = 1 << 52;
/// Texts of one message to a client, in bytes; one text is 16 kB at most.
const PIECE: usize = 32 * 1024;

#[derive(Debug, Default)]
pub(super) struct Chat {
    last: u64,
    /// Numbered without a gap up to `last`.
    kept: Vec<Said>,
    bytes: usize,
}

impl Chat {
    /// What was said in an earlier run: numbered anew, as said by nobody who is here.
    pub(super) fn restored(said: Vec<Said>) -> Self {
        // The numbers go on where they were, if the file is sound.
        let first = said.first().map_or(1, |said| said.seq.clamp(1, MOST_BEFORE));
        let kept: Vec<Said> =
            (first..).zip(said).map(|(seq, said)| Said { seq, from: ParticipantId(0), ..said }).collect();
        let bytes = kept.iter().map(cost).sum();
        Self { last: kept.last().map_or(0, |said| said.seq), kept, bytes }
    }

    pub(super) fn is_new(&self) -> bool {
        self.last == 0
    }

    /// The number of the last message.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Takes the next message.
    pub(super) fn push(&mut self, said: Said, history: usize) {
        self.last = said.seq;
        self.bytes += cost(&said);
        self.kept.push(said);
        let mut over = self.kept.len().saturating_sub(history.max(KEPT_AT_LEAST));
        let mut bytes = self.bytes - self.kept.iter().take(over).map(cost).sum::<usize>();
        for said in self.kept.iter().skip(over) {
            if bytes <= MOST_BYTES {
                break;
            }
            bytes -= cost(said);
            over += 1;
        }
        // Not one by one: moving the others costs as much for a few as for one.
        let room_for = 32;
        if over >= room_for || bytes + MOST_BYTES / 4 < self.bytes {
            self.kept.drain(..over);
            self.bytes = bytes;
        }
    }

    /// The latest so many.
    pub(super) fn latest(&self, count: usize) -> &[Said] {
        self.kept.get(self.kept.len().saturating_sub(count)..).unwrap_or_default()
    }

    /// What was said after that, and whether some of it is lost.
    pub(super) fn after(&self, since: u64) -> (&[Said], bool) {
        let missing = self.last.saturating_sub(since);
        let count = usize::try_from(missing).unwrap_or(usize::MAX);
        (self.latest(count), count > self.kept.len())
    }

    /// The same, said before the daemon's last start: its sender never heard that it was said.
    pub(super) fn said_before_start(&self, said: &Said) -> Option<&Said> {
        let before = self.kept.iter().take_while(|kept| kept.from == ParticipantId(0));
        let mut same = before.filter(|kept| kept.id == said.id && kept.text == said.text);
        same.next()
    }
}

/// What a message takes, in bytes.
fn cost(said: &Said) -> usize {
    128 + said.text.len() + said.name.len() + said.id.len()
}

/// Cut into parts that each fit into one message.
pub(super) fn pieces(said: Vec<Said>) -> Vec<Vec<Said>> {
    let mut pieces: Vec<Vec<Said>> = Vec::new();
    let mut bytes = 0;
    for said in said {
        bytes += cost(&said);
        match pieces.last_mut() {
            Some(piece) if bytes <= PIECE => piece.push(said),
            _ => {
                bytes = cost(&said);
                pieces.push(vec![said]);
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(seq: u64, text: &str) -> Said {
        let (id, name) = (format!("m{seq}"), "Ana".to_owned());
        Said { seq, id, from: ParticipantId(1), name, colour: 0, time_ms: 0.0, text: text.to_owned() }
    }

    fn chat(count: u64, history: usize, text: &str) -> Chat {
        let mut chat = Chat::default();
        (1..=count).for_each(|seq| chat.push(said(seq, text), history));
        chat
    }

    #[test]
    fn the_latest_are_kept_within_count_and_size() {
        let long = chat(10_000, 5000, "x");
        assert!((5000..5032).contains(&long.kept.len()), "{}", long.kept.len());
        let short = chat(1000, 3, "x");
        assert!((KEPT_AT_LEAST..KEPT_AT_LEAST + 32).contains(&short.kept.len()));
        let large = chat(2000, 5000, &"x".repeat(16_000));
        let bytes = large.kept.iter().map(cost).sum::<usize>();
        assert_eq!(bytes, large.bytes);
        assert!(bytes <= MOST_BYTES * 5 / 4, "{bytes}");
        for chat in [long, short, large] {
            let numbers: Vec<_> = chat.kept.iter().map(|said| said.seq).collect();
            assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
            assert_eq!(numbers.last(), Some(&chat.last()));
        }
    }

    #[test]
    fn what_was_said_after_is_all_of_it_or_said_to_be_less() {
        let chat = chat(1000, 3, "x");
        let (said, lost) = chat.after(990);
        assert_eq!((said.len(), said[0].seq, lost), (10, 991, false));
        assert_eq!(chat.after(1000), (&[][..], false));
        assert_eq!(chat.after(5000), (&[][..], false));
        assert!(chat.after(1).1);
        assert_eq!(chat.latest(3)[0].seq, 998);
        assert!(chat.latest(0).is_empty());
    }

    #[test]
    fn pieces_hold_all_in_order_and_none_is_large() {
        let all: Vec<_> = (1..=300).map(|seq| said(seq, &"x".repeat(seq as usize * 50))).collect();
        let cut = pieces(all.clone());
        assert!(cut.iter().all(|piece| piece.iter().map(cost).sum::<usize>() <= PIECE));
        assert!(cut.len() > 30);
        assert_eq!(cut.concat(), all);
        assert!(pieces(Vec::new()).is_empty());
    }

    #[test]
    fn what_is_restored_goes_on_in_its_numbers() {
        let restored = Chat::restored(vec![said(7, "a"), said(9, "b")]);
        assert_eq!(restored.last(), 8);
        assert_eq!(restored.kept[1].from, ParticipantId(0));
        assert_eq!(restored.said_before_start(&said(9, "b")).map(|said| said.seq), Some(8));
        assert!(restored.said_before_start(&said(9, "c")).is_none());
        assert!(Chat::restored(Vec::new()).is_new());
        let damaged = Chat::restored(vec![said(u64::MAX, "a"), said(0, "b")]);
        assert_eq!(damaged.last(), MOST_BEFORE + 1);
    }
}
