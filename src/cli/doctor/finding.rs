//! What was found: the form of a finding, for people and for programs.
//!
//! Owns the words around findings and their JSON form, which other programs read: fields are added,
//! never renamed. Invariant: what is not well says what to do about it.

use crate::core::inventory::plain_text;
use serde::Serialize;

/// What a finding is about, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The configuration file.
    Configuration,
    /// Where the page and the pictures are listened for.
    Listening,
    /// The ways to this machine that viewers are told.
    Network,
    /// The page's certificate.
    Certificate,
    /// STUN and TURN servers.
    IceServers,
    /// Screens, cameras and sound.
    Capture,
    /// Encoders.
    Encoders,
    /// GStreamer and its elements.
    Gstreamer,
}

impl Area {
    fn heading(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Listening => "Listening",
            Self::Network => "Network",
            Self::Certificate => "Certificate",
            Self::IceServers => "STUN and TURN servers",
            Self::Capture => "Capture",
            Self::Encoders => "Encoders",
            Self::Gstreamer => "GStreamer",
        }
    }
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Well.
    Ok,
    /// To be known; whether it matters depends on what is wanted.
    Note,
    /// Something does not work.
    Problem,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// About what.
    pub area: Area,
    /// How it is.
    pub level: Level,
    /// A sentence.
    pub finding: String,
    /// What to do about it; none where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// It is well.
    pub(super) fn ok(area: Area, finding: impl AsRef<str>) -> Self {
        Self { area, level: Level::Ok, finding: one_line(finding.as_ref()), remedy: None }
    }

    /// It is to be known.
    pub(super) fn note(area: Area, finding: impl AsRef<str>, remedy: impl Into<String>) -> Self {
        let (finding, remedy) = (one_line(finding.as_ref()), Some(remedy.into()));
        Self { area, level: Level::Note, finding, remedy }
    }

    /// It does not work.
    pub(super) fn problem(area: Area, finding: impl AsRef<str>, remedy: impl Into<String>) -> Self {
        let (finding, remedy) = (one_line(finding.as_ref()), Some(remedy.into()));
        Self { area, level: Level::Problem, finding, remedy }
    }
}

/// Foreign words may be among it: servers' reasons, names of devices. The longest list of addresses fits.
fn one_line(text: &str) -> String {
    text.split_inclusive(' ').map(plain_text).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// All findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many of them are problems.
    pub problems: usize,
    /// How many are notes.
    pub notes: usize,
    /// By area.
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.area);
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        Self { problems: count(Level::Problem), notes: count(Level::Note), findings }
    }

    /// For programs: one JSON object.
    ///
    /// # Errors
    /// None that a value of these types can cause.
    pub fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut last = None;
        for Finding { area, level, finding, remedy } in &self.findings {
            if last != Some(*area) {
                let gap = if last.is_some() { "\n" } else { "" };
                text.push_str(&format!("{gap}{}\n", area.heading()));
                last = Some(*area);
            }
            text.push_str(&format!("  {:<7}  {finding}\n", level.word()));
            if let Some(remedy) = remedy {
                text.push_str(&format!("           -> {remedy}\n"));
            }
        }
        let counted = |count: usize, what: &str| match count {
            0 => format!("no {what}s"),
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        text.push_str(&format!("\n{}, {}\n", counted(self.problems, "problem"), counted(self.notes, "note")));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::new(vec![
            Finding::problem(Area::Encoders, "no encoder works", "install one"),
            Finding::ok(Area::Configuration, "no\u{1b}[2J mistakes"),
            Finding::note(Area::Encoders, "there is no GPU", "none is needed"),
        ])
    }

    #[test]
    fn findings_are_told_by_area_and_what_is_not_well_with_what_to_do() {
        assert_eq!(
            report().text(),
            "Configuration\n  ok       no [2J mistakes\n\nEncoders\n  problem  no encoder works\n           \
             -> install one\n  note     there is no GPU\n           -> none is needed\n\n1 problem, 1 note\n"
        );
    }

    #[test]
    fn the_json_form_is_the_documented_one() {
        let expected = serde_json::json!({
            "problems": 1,
            "notes": 1,
            "findings": [
                {"area": "configuration", "level": "ok", "finding": "no [2J mistakes"},
                {"area": "encoders", "level": "problem", "finding": "no encoder works", "remedy": "install one"},
                {"area": "encoders", "level": "note", "finding": "there is no GPU", "remedy": "none is needed"},
            ]
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&report().json().unwrap()).unwrap(), expected);
    }
}
