//! What WHEP adds to a viewer's session (draft-ietf-wish-whep, RFC 9725): the SDP fragments of
//! trickle ICE (RFC 8840), and the entity tags that tell one ICE session from the next.
//!
//! Owns their form and the rules of a PATCH. Knows no HTTP: a refusal says what it is, `web` says
//! it in a status.

use super::candidate::{Candidate, CandidateError};
use super::ice::{Credentials, is_password, is_ufrag};
use super::sdp::{Excerpt, MAX_CANDIDATES, MAX_LINE};

/// The longest fragment, in bytes: [`MAX_CANDIDATES`] of the longest that browsers write, and more.
pub const MAX_FRAGMENT: usize = 32 * 1024;
/// The most lines in one.
const MAX_LINES: usize = 512;

/// The candidates that a client sends after its offer (RFC 8840 section 9).
#[derive(Clone, PartialEq, Eq)]
pub struct Fragment {
    ufrag: Option<String>,
    password: Option<String>,
    candidates: Vec<Candidate>,
}

/// Why a text is no fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// Longer than [`MAX_FRAGMENT`].
    #[error("the fragment has {0} bytes; at most {MAX_FRAGMENT} are taken")]
    TooLong(usize),
    /// More lines than anybody needs.
    #[error("the fragment has more than {MAX_LINES} lines")]
    TooManyLines,
    /// Something else than an attribute or an m-line.
    #[error("line {line}: expected 'a=' or 'm=' and a value, found {found}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// Its beginning.
        found: Excerpt,
    },
    /// More candidates than [`MAX_CANDIDATES`].
    #[error("the fragment has more than {MAX_CANDIDATES} candidates")]
    TooManyCandidates,
    /// One that is not well formed.
    #[error("line {line}: candidate: {fault}")]
    Candidate {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        fault: CandidateError,
    },
    /// Two user name fragments or passwords. They share one transport.
    #[error("line {line}: a second, other a={name}; all media share one transport")]
    Differs {
        /// Its number, from 1.
        line: usize,
        /// Of which attribute.
        name: &'static str,
    },
}

impl Fragment {
    /// Reads one. Attributes that are not known, and candidates that the daemon cannot reach, are
    /// passed over (RFC 9725 section 4.3.2).
    ///
    /// # Errors
    /// [`FragmentError`] says what was expected and where.
    pub fn parse(text: &str) -> Result<Self, FragmentError> {
        if text.len() > MAX_FRAGMENT {
            return Err(FragmentError::TooLong(text.len()));
        }
        let mut fragment = Self { ufrag: None, password: None, candidates: Vec::new() };
        let body = text.strip_suffix('\n').unwrap_or(text);
        for (index, line) in body.split('\n').enumerate() {
            if index == MAX_LINES {
                return Err(FragmentError::TooManyLines);
            }
            fragment.line(index + 1, line.strip_suffix('\r').unwrap_or(line))?;
        }
        Ok(fragment)
    }

    fn line(&mut self, line: usize, text: &str) -> Result<(), FragmentError> {
        let fault = || FragmentError::Line { line, found: Excerpt::of(text) };
        if text.len() > MAX_LINE || text.chars().any(char::is_control) {
            return Err(fault());
        }
        if text.starts_with("m=") || text.starts_with("c=") {
            return Ok(());
        }
        let attribute = text.strip_prefix("a=").ok_or_else(fault)?;
        match attribute.split_once(':') {
            Some(("ice-ufrag", value)) => once(&mut self.ufrag, value, line, "ice-ufrag"),
            Some(("ice-pwd", value)) => once(&mut self.password, value, line, "ice-pwd"),
            Some(("candidate", _)) => self.candidate(line, attribute),
            _ => Ok(()),
        }
    }

    fn candidate(&mut self, line: usize, attribute: &str) -> Result<(), FragmentError> {
        match Candidate::parse(attribute) {
            // The daemon has host candidates of its own, which a peer behind such a name reaches.
            Ok(candidate) if candidate.is_mdns() || self.candidates.contains(&candidate) => Ok(()),
            Ok(_) if self.candidates.len() == MAX_CANDIDATES => Err(FragmentError::TooManyCandidates),
            Ok(candidate) => {
                self.candidates.push(candidate);
                Ok(())
            }
            Err(fault) if fault.is_out_of_reach() => Ok(()),
            Err(fault) => Err(FragmentError::Candidate { line, fault }),
        }
    }

    /// The candidates, each once.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Whether it is of the ICE session with these credentials.
    #[must_use]
    pub fn is_of(&self, theirs: &Credentials) -> bool {
        let same = |own: &Option<String>, theirs: &str| own.as_ref().is_none_or(|own| own == theirs);
        let mut inside = self.candidates.iter().filter_map(Candidate::ufrag);
        same(&self.ufrag, &theirs.ufrag)
            && same(&self.password, &theirs.password)
            && inside.all(|own| own == theirs.ufrag)
    }

    /// The new credentials with which the client begins another ICE session than that of `before`: both are
    /// others, of the form of RFC 8839 section 5.4, and its candidates are of the new one.
    fn restart(&self, before: &Credentials) -> Option<Credentials> {
        let (ufrag, password) = (self.ufrag.clone()?, self.password.clone()?);
        let others = ufrag != before.ufrag && password != before.password;
        let theirs = Credentials { ufrag, password };
        let fits = others && is_ufrag(&theirs.ufrag) && is_password(&theirs.password) && self.is_of(&theirs);
        fits.then_some(theirs)
    }
}

fn once(
    place: &mut Option<String>,
    value: &str,
    line: usize,
    name: &'static str,
) -> Result<(), FragmentError> {
    if place.as_ref().is_some_and(|earlier| earlier != value) {
        return Err(FragmentError::Differs { line, name });
    }
    *place = Some(value.to_owned());
    Ok(())
}

/// The password is a secret.
impl std::fmt::Debug for Fragment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ufrag, password: _, candidates } = self;
        f.debug_struct("Fragment")
            .field("ufrag", ufrag)
            .field("candidates", candidates)
            .finish_non_exhaustive()
    }
}

/// What a PATCH asks of the state it meets: its `If-Match` (RFC 9110 section 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// There is none.
    Absent,
    /// `*`: whatever it is.
    Any,
    /// One of these strong entity tags, without their quotes.
    Tags(Vec<String>),
}

impl IfMatch {
    /// Reads the field's value. The draft's examples write the asterisk in quotes, so that is
    /// taken for one too. What is not a strong entity tag matches nothing.
    #[must_use]
    pub fn parse(value: Option<&str>) -> Self {
        let Some(value) = value.map(str::trim) else { return Self::Absent };
        if matches!(value, "*" | "\"*\"") {
            return Self::Any;
        }
        let tags = value.split(',').map(str::trim);
        let strong = tags.filter_map(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
        Self::Tags(strong.map(str::to_owned).collect())
    }
}

/// Why a PATCH is refused. The session goes on as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatchRefusal {
    /// No `If-Match` (RFC 6585 section 3).
    #[error("Say in If-Match which ICE session this is for: the ETag of the answer.")]
    NoTag,
    /// Another ICE session's.
    #[error("The entity tag in If-Match is not that of this session.")]
    OtherTag,
    /// Not the session's ICE credentials, and not those of a restart.
    #[error(
        "An ICE restart has both other credentials, a=ice-ufrag and a=ice-pwd; all else has the session's."
    )]
    Credentials,
    /// More candidates than a session takes.
    #[error("No more than {MAX_CANDIDATES} candidates are taken in one session.")]
    TooManyCandidates,
}

/// One ICE session as its PATCHes meet it.
#[derive(Clone, PartialEq, Eq)]
pub struct IceSession {
    /// Its entity tag, without quotes.
    tag: String,
    theirs: Credentials,
    taken: usize,
}

/// What a PATCH comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// More candidates of the same ICE session.
    Candidates(Vec<Candidate>),
    /// ICE begins anew (RFC 9725 section 4.3.3), with these credentials and candidates of the client's.
    Restart(Credentials, Vec<Candidate>),
}

impl IceSession {
    /// Of an offer with these credentials, of which candidates have been taken.
    #[must_use]
    pub fn new(tag: String, (ufrag, password): (&str, &str), taken: usize) -> Self {
        let theirs = Credentials { ufrag: ufrag.to_owned(), password: password.to_owned() };
        Self { tag, theirs, taken }
    }

    /// The value of `ETag`.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.tag)
    }

    /// Takes a fragment. After a restart the entity tag is `next`, without quotes.
    ///
    /// # Errors
    /// [`PatchRefusal`]: nothing of it is taken.
    pub fn patch(
        &mut self,
        condition: &IfMatch,
        fragment: &Fragment,
        next: String,
    ) -> Result<Patch, PatchRefusal> {
        match condition {
            IfMatch::Absent => return Err(PatchRefusal::NoTag),
            IfMatch::Tags(tags) if !tags.contains(&self.tag) => return Err(PatchRefusal::OtherTag),
            IfMatch::Tags(_) | IfMatch::Any => {}
        }
        if let Some(theirs) = fragment.restart(&self.theirs) {
            *self = Self { tag: next, theirs: theirs.clone(), taken: fragment.candidates.len() };
            return Ok(Patch::Restart(theirs, fragment.candidates.clone()));
        }
        if !fragment.is_of(&self.theirs) {
            return Err(PatchRefusal::Credentials);
        }
        let all = self.taken + fragment.candidates.len();
        if all > MAX_CANDIDATES {
            return Err(PatchRefusal::TooManyCandidates);
        }
        self.taken = all;
        Ok(Patch::Candidates(fragment.candidates.clone()))
    }
}

/// The daemon's half of a restart, as a fragment (RFC 9725 section 4.3.3): `section` is its first m-line with
/// the bundle, as [`Agreement::section`](super::sdp::Agreement::section) writes it.
#[must_use]
pub fn restarted(section: &str, own: &Credentials, candidates: &[String]) -> String {
    let mut fragment = format!(
        "a=ice-options:trickle\r\n{section}a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
        own.ufrag, own.password
    );
    for candidate in candidates {
        fragment.push_str(&format!("a={candidate}\r\n"));
    }
    fragment + "a=end-of-candidates\r\n"
}

/// The password is a secret, and the tag all but one.
impl std::fmt::Debug for IceSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceSession").field("taken", &self.taken).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
