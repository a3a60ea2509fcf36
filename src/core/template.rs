//! Launch descriptions with typed placeholders.
//!
//! A description is what `gst-launch-1.0` reads, with `#` comment lines and placeholders
//! `{name:type}`. A value can only be put where its type is expected, and a string is quoted so
//! that nothing in it is read as part of the description.

use super::units::FrameRate;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A value for a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `{x:string}`: any text, quoted when put in.
    String(String),
    /// `{x:int}`: a whole number.
    Int(i64),
    /// `{x:fraction}`: a frame rate, `30/1`.
    Fraction(FrameRate),
    /// `{x:bool}`: `true` or `false`.
    Bool(bool),
    /// `{x:caps}`: a caps text of the daemon's own making, put in as it is.
    Caps(String),
}

impl Value {
    fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Int(_) => "int",
            Self::Fraction(_) => "fraction",
            Self::Bool(_) => "bool",
            Self::Caps(_) => "caps",
        }
    }

    fn write(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::String(text) => {
                out.push('"');
                for c in text.chars() {
                    if matches!(c, '"' | '\\') {
                        out.push('\\');
                    }
                    out.push(c);
                }
                out.push('"');
                Ok(())
            }
            Self::Int(number) => write!(out, "{number}"),
            Self::Fraction(rate) => write!(out, "{rate}"),
            Self::Bool(on) => write!(out, "{on}"),
            Self::Caps(caps) => {
                out.push_str(caps);
                Ok(())
            }
        };
    }
}

/// The values by name.
pub type Values = BTreeMap<&'static str, Value>;

/// What is wrong with a description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `{` with no `}` on its line, or not of the form `{name:type}`.
    #[error(
        "line {line}: expected a placeholder {{name:type}}, got '{{{text}'; write {{{{ for a brace itself"
    )]
    Form {
        /// From 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// No value of that name is to be had here.
    #[error("line {line}: there is no placeholder '{name}' here; there are: {known}")]
    Unknown {
        /// From 1.
        line: usize,
        /// The name.
        name: String,
        /// The names that can be used.
        known: String,
    },
    /// The value is of another type.
    #[error("line {line}: the placeholder '{name}' is of type {expected}, not '{got}'")]
    Type {
        /// From 1.
        line: usize,
        /// The name.
        name: String,
        /// Its type.
        expected: &'static str,
        /// The type that the description names.
        got: String,
    },
    /// Nothing but comments.
    #[error("the description is empty")]
    Empty,
}

/// Puts the values into a description and takes the comment lines out.
///
/// # Errors
/// [`TemplateError`] with the line, when a placeholder is malformed, unknown or of another type.
pub fn render(text: &str, values: &Values) -> Result<String, TemplateError> {
    let mut out = String::with_capacity(text.len() + 256);
    for (index, content) in text.lines().enumerate() {
        if content.trim_start().starts_with('#') {
            continue;
        }
        render_line(content, index + 1, values, &mut out)?;
        out.push('\n');
    }
    let out = out.trim();
    if out.is_empty() { Err(TemplateError::Empty) } else { Ok(out.to_owned()) }
}

fn render_line(content: &str, line: usize, values: &Values, out: &mut String) -> Result<(), TemplateError> {
    let mut rest = content;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        if let Some(literal) = after.strip_prefix('{') {
            // `{{` is a brace itself, up to and with `}}`.
            out.push('{');
            rest = literal;
            if let Some((inner, tail)) = literal.split_once("}}") {
                out.push_str(inner);
                out.push('}');
                rest = tail;
            }
            continue;
        }
        let malformed = || TemplateError::Form { line, text: after.chars().take(40).collect() };
        let (placeholder, tail) = after.split_once('}').ok_or_else(malformed)?;
        let (name, type_name) = placeholder.split_once(':').ok_or_else(malformed)?;
        let value = values.get(name).ok_or_else(|| TemplateError::Unknown {
            line,
            name: name.to_owned(),
            known: if values.is_empty() {
                "none".to_owned()
            } else {
                values.keys().copied().collect::<Vec<_>>().join(", ")
            },
        })?;
        if value.type_name() != type_name {
            return Err(TemplateError::Type {
                line,
                name: name.to_owned(),
                expected: value.type_name(),
                got: type_name.to_owned(),
            });
        }
        value.write(out);
        rest = tail;
    }
    out.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> Values {
        Values::from([
            ("device", Value::String("a \"b\" \\ ! c".into())),
            ("width", Value::Int(640)),
            ("framerate", Value::Fraction(FrameRate::whole(30))),
            ("cursor", Value::Bool(true)),
            ("caps", Value::Caps("video/x-raw,width=1".into())),
        ])
    }

    #[test]
    fn placeholders_are_filled_in_and_comments_taken_out() {
        let text = "# a comment {not:read}\nsrc d={device:string} ! w={width:int},r={framerate:fraction}\n  ! {caps:caps} c={cursor:bool} {{x}}\n";
        assert_eq!(
            render(text, &values()).unwrap(),
            "src d=\"a \\\"b\\\" \\\\ ! c\" ! w=640,r=30/1\n  ! video/x-raw,width=1 c=true {x}"
        );
    }

    #[test]
    fn mistakes_name_their_line() {
        let check = |text: &str, message: &str| {
            assert_eq!(render(text, &values()).unwrap_err().to_string(), message, "{text}");
        };
        check(
            "a\nb {width",
            "line 2: expected a placeholder {name:type}, got '{width'; write {{ for a brace itself",
        );
        check(
            "a {width}",
            "line 1: expected a placeholder {name:type}, got '{width}'; write {{ for a brace itself",
        );
        check(
            "a {height:int}",
            "line 1: there is no placeholder 'height' here; there are: caps, cursor, device, framerate, width",
        );
        check("a {width:string}", "line 1: the placeholder 'width' is of type int, not 'string'");
        check("# only\n\n", "the description is empty");
    }

    proptest! {
        #[test]
        fn a_string_stays_inside_its_quotes(text in "\\PC*") {
            let values = Values::from([("x", Value::String(text.clone()))]);
            let out = render("{x:string}", &values).unwrap();
            let inner = out.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
            let mut unquoted = String::new();
            let mut chars = inner.chars();
            while let Some(c) = chars.next() {
                prop_assert_ne!(c, '"');
                unquoted.push(if c == '\\' { chars.next().unwrap() } else { c });
            }
            prop_assert_eq!(unquoted, text);
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = render(&text, &values());
        }
    }
}
