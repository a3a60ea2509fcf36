//! A reader over a parsed TOML file that goes on after a mistake, so that all are told at once.
//!
//! serde stops at the first mistake; this walks the parser's own tree, which knows where each key
//! stands. Owns places and the form of messages; what a value may be is said in `values`.

use super::keys::{self, Keys};
use super::mistake::Mistake;
use std::borrow::Cow;
use std::cell::RefCell;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a value is refused: what was expected of it, and perhaps what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    expected: Cow<'static, str>,
    meant: Option<String>,
}

impl Wrong {
    pub(super) fn expected(text: impl Into<Cow<'static, str>>) -> Self {
        Self { expected: text.into(), meant: None }
    }

    /// Adds what was probably meant, if that can be said.
    pub(super) fn perhaps(self, meant: Option<String>) -> Self {
        Self { meant, ..self }
    }
}

/// What a value is turned into, or why not.
pub(super) type Read<T> = Result<T, Wrong>;

/// The mistakes found so far, and the file's line ends.
#[derive(Debug)]
pub(super) struct Report {
    line_ends: Vec<usize>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Report {
    pub(super) fn new(text: &str) -> Self {
        let line_ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect();
        Self { line_ends, mistakes: RefCell::default() }
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.line_ends.partition_point(|end| *end < offset) + 1
    }

    pub(super) fn add(&self, line: usize, key: impl Into<String>, message: impl Into<String>) {
        self.mistakes.borrow_mut().push(Mistake { line, key: key.into(), message: message.into() });
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }
}

/// One table of the file.
#[derive(Debug, Clone)]
pub(super) struct Section<'t> {
    report: &'t Report,
    path: String,
    line: usize,
    table: Option<&'t DeTable<'t>>,
}

impl<'t> Section<'t> {
    /// The configuration's top.
    pub(super) fn root(report: &'t Report, table: &'t DeTable<'t>) -> Self {
        Self::of(report, table, &keys::ROOT)
    }

    /// The top of a file with these keys.
    pub(super) fn of(report: &'t Report, table: &'t DeTable<'t>, keys: &Keys) -> Self {
        let root = Self { report, path: String::new(), line: 1, table: Some(table) };
        root.refuse_unknown(keys);
        root
    }

    /// Its path and number: `source[2]`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the key stands there, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// The line of a key; that of the table where the key is not there.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.entry(key).map_or(self.line, |(line, _)| line)
    }

    /// The key's value; `None` when it is not there or wrong, which is then reported.
    pub(super) fn get<T>(&self, key: &str, read: impl FnOnce(&DeValue<'_>) -> Read<T>) -> Option<T> {
        self.read(key, read, shown)
    }

    /// The same for what must not be shown: of a wrong value only the length is told.
    pub(super) fn get_secret<T>(&self, key: &str, read: impl FnOnce(&DeValue<'_>) -> Read<T>) -> Option<T> {
        self.read(key, read, |value| match value {
            DeValue::String(text) => format!("a text of {} characters", text.chars().count()),
            _ => format!("{} {}", article(value), value.type_str()),
        })
    }

    /// The same for a key that has to be there.
    pub(super) fn require<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&DeValue<'_>) -> Read<T>,
    ) -> Option<T> {
        self.require_shown(key, expected, read, shown)
    }

    /// The same, and `show` says what a message may show of a wrong value.
    pub(super) fn require_shown<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&DeValue<'_>) -> Read<T>,
        show: impl FnOnce(&DeValue<'_>) -> String,
    ) -> Option<T> {
        if !self.has(key) {
            self.wrong(key, expected, "nothing");
        }
        self.read(key, read, show)
    }

    /// Every value of an array, each with its own place; `what` are its members, in the plural.
    pub(super) fn list<T>(
        &self,
        key: &str,
        what: &str,
        read: impl Fn(&DeValue<'_>) -> Read<T>,
    ) -> Option<Vec<T>> {
        let (_, value) = self.entry(key)?;
        let DeValue::Array(array) = value else {
            self.wrong(key, &format!("an array of {what}"), &shown(value));
            return None;
        };
        let mut values = Vec::with_capacity(array.len());
        for (index, member) in array.iter().enumerate() {
            match read(member.get_ref()) {
                Ok(value) => values.push(value),
                Err(wrong) => {
                    let place = format!("{}[{}]", self.path_of(key), index + 1);
                    let line = self.report.line(member.span().start);
                    self.report.add(line, place, sentence(&wrong, &shown(member.get_ref())));
                }
            }
        }
        (values.len() == array.len()).then_some(values)
    }

    /// A table in this one; an empty one where there is none.
    pub(super) fn table(&self, key: &str, keys: &Keys) -> Section<'t> {
        let section = self.entry(key).and_then(|(line, value)| match value {
            DeValue::Table(table) => Some(self.below(self.path_of(key), line, table)),
            _ => {
                self.wrong(key, &format!("a table, {}", keys.place), &shown(value));
                None
            }
        });
        let none = || Self { report: self.report, path: self.path_of(key), line: self.line, table: None };
        let section = section.unwrap_or_else(none);
        section.refuse_unknown(keys);
        section
    }

    /// The tables of an array. Their keys are not checked: what they may be can depend on one.
    pub(super) fn tables(&self, key: &str, keys: &Keys) -> Vec<Section<'t>> {
        let Some((_, value)) = self.entry(key) else { return Vec::new() };
        let expected = || format!("tables, each with {} above it", keys.place);
        let DeValue::Array(array) = value else {
            self.wrong(key, &expected(), &shown(value));
            return Vec::new();
        };
        let mut sections = Vec::with_capacity(array.len());
        for (index, member) in array.iter().enumerate() {
            let line = self.report.line(member.span().start);
            let path = format!("{}[{}]", self.path_of(key), index + 1);
            match member.get_ref() {
                DeValue::Table(table) => sections.push(self.below(path, line, table)),
                other => {
                    self.report.add(line, path, format!("expected {}; got {}", expected(), shown(other)))
                }
            }
        }
        sections
    }

    /// Reports every key that is not among `keys`.
    pub(super) fn refuse_unknown(&self, keys: &Keys) {
        self.refuse_unknown_but(keys, |key| {
            let near = keys::nearest(key, keys.names).map(|name| format!("did you mean {name}?"));
            near.or_else(|| Some(format!("did you mean {}?", keys::elsewhere(key)?)))
        });
    }

    /// The same with a hint of the caller's.
    pub(super) fn refuse_unknown_but(&self, keys: &Keys, hint: impl Fn(&str) -> Option<String>) {
        for key in self.table.iter().flat_map(|table| table.keys()) {
            let name = key.get_ref().as_ref();
            if keys.names.contains(&name) {
                continue;
            }
            let hint = hint(name).map(|hint| format!("; {hint}")).unwrap_or_default();
            let message = format!("expected a key of {}: {}{hint}", keys.place, keys::one_of(keys.names));
            self.report.add(self.report.line(key.span().start), self.path_of(name), message);
        }
    }

    /// Reports a key that is well formed and still wrong.
    pub(super) fn wrong(&self, key: &str, expected: &str, got: &str) {
        let message = format!("expected {expected}; got {got}");
        self.report.add(self.line_of(key), self.path_of(key), message);
    }

    /// Reports the table itself.
    pub(super) fn wrong_itself(&self, expected: &str, got: &str) {
        self.report.add(self.line, self.path.clone(), format!("expected {expected}; got {got}"));
    }

    fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&DeValue<'_>) -> Read<T>,
        show: impl FnOnce(&DeValue<'_>) -> String,
    ) -> Option<T> {
        let (line, value) = self.entry(key)?;
        match read(value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.report.add(line, self.path_of(key), sentence(&wrong, &show(value)));
                None
            }
        }
    }

    fn below(&self, path: String, line: usize, table: &'t DeTable<'t>) -> Section<'t> {
        Section { report: self.report, path, line, table: Some(table) }
    }

    fn entry(&self, key: &str) -> Option<(usize, &'t DeValue<'t>)> {
        let found = |(name, _): &(&Spanned<Cow<'_, str>>, _)| name.get_ref() == key;
        let (name, value) = self.table?.iter().find(found)?;
        Some((self.report.line(name.span().start), value.get_ref()))
    }

    fn path_of(&self, key: &str) -> String {
        // A key may hold anything when quoted; what would break the line is escaped and cut.
        let key = if is_bare(key) { Cow::Borrowed(key) } else { Cow::Owned(quoted(key)) };
        if self.path.is_empty() { key.into_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn is_bare(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= LONGEST_SHOWN
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn sentence(wrong: &Wrong, got: &str) -> String {
    let meant = wrong.meant.as_ref().map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
    format!("expected {}; got {got}{meant}", wrong.expected)
}

/// The longest text shown of a wrong value, in characters.
const LONGEST_SHOWN: usize = 60;

/// A value as a message shows it: on one line and not too long.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(number) => cut(&number.to_string()),
        DeValue::Float(number) => cut(number.as_str()),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(when) => when.to_string(),
        DeValue::Array(array) if array.is_empty() => "an empty array".to_owned(),
        DeValue::Array(_) | DeValue::Table(_) => format!("{} {}", article(value), value.type_str()),
    }
}

/// A text in quotes, on one line and not too long.
pub(super) fn quoted(text: &str) -> String {
    let escaped: String = text.chars().take(LONGEST_SHOWN + 1).flat_map(char::escape_debug).collect();
    // Single quotes need no backslash here.
    format!("\"{}\"", cut(&escaped.replace("\\'", "'")))
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_SHOWN {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST_SHOWN).collect();
    format!("{start}...")
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::Integer(_) | DeValue::Array(_) => "an",
        DeValue::String(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => "a",
    }
}
