//! Mistakes in a configuration: where they are and what was expected.
//!
//! Owns their wording as lines of `FILE:LINE: KEY: expected ...; got ...`. Never shows a secret.

use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line in the file, from 1. 0: no line, the mistake is of the file as a whole.
    pub line: usize,
    /// The key's path, `source[2].device`, tables of an array counted from 1. Empty: no key.
    pub key: String,
    /// What was expected, what was found, what to do.
    pub message: String,
}

/// Every mistake of one configuration, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    file: PathBuf,
    mistakes: Vec<Mistake>,
}

impl ConfigErrors {
    /// Takes the mistakes of `file` and puts them in the order of their lines.
    pub(super) fn new(file: &Path, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.line);
        Self { file: file.to_owned(), mistakes }
    }

    /// The file in which they are.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The mistakes, never none.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", self.file.display())?;
            if mistake.line > 0 {
                write!(f, "{}:", mistake.line)?;
            }
            if !mistake.key.is_empty() {
                write!(f, " {}:", mistake.key)?;
            }
            write!(f, " {}", mistake.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
