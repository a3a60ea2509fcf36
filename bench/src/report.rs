//! What was found, as a table for people, as JSON, and as the part of docs/benchmarks.md that a run writes.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// One line of a table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The table.
    pub case: &'static str,
    /// What the line is about.
    pub label: String,
    /// Column and number; the unit is in the column's name.
    pub values: Vec<(&'static str, f64)>,
    /// Whether what was asked for was reached, where something was asked for.
    pub verdict: Option<bool>,
    pub note: String,
}

impl Row {
    /// A line without numbers.
    pub fn new(case: &'static str, label: impl Into<String>) -> Row {
        Row { case, label: label.into(), values: Vec::new(), verdict: None, note: String::new() }
    }

    /// Adds a number.
    pub fn with(mut self, column: &'static str, value: f64) -> Row {
        self.values.push((column, value));
        self
    }

    /// Adds what was asked for and whether it was reached.
    pub fn judged(mut self, wanted: &str, reached: bool) -> Row {
        self.verdict = Some(self.verdict.unwrap_or(true) && reached);
        if !self.note.is_empty() {
            self.note += "; ";
        }
        self.note += wanted;
        if !reached {
            self.note += " (MISSED)";
        }
        self
    }

    /// Adds a remark.
    pub fn noted(mut self, note: impl Into<String>) -> Row {
        if !self.note.is_empty() {
            self.note += "; ";
        }
        self.note += &note.into();
        self
    }
}

/// What is written above the tables: what they were measured on.
#[derive(Debug, Clone, Default)]
pub struct Machine(pub Vec<(&'static str, String)>);

impl Machine {
    /// Asks this machine.
    pub fn here(root: &Path) -> Machine {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map(|(_, m)| m.to_string());
        let cores = std::thread::available_parallelism().map_or(0, |cores| cores.get());
        let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let system = system
            .lines()
            .find_map(|line| line.strip_prefix("PRETTY_NAME="))
            .unwrap_or("?")
            .trim_matches('"');
        let commit =
            output(Command::new("git").arg("-C").arg(root).args(["describe", "--always", "--dirty"]));
        Machine(vec![
            ("date", output(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))),
            ("vitrina", commit),
            ("processor", format!("{}, {cores} cores", model.unwrap_or_default())),
            ("system", format!("{system}, Linux {}", output(Command::new("uname").arg("-r")))),
            ("GStreamer", output(Command::new("gst-launch-1.0").arg("--gst-version"))),
            ("Janus", output(Command::new("dpkg-query").args(["-W", "-f", "${Version}", "janus"]))),
        ])
    }
}

/// The last line that a command prints; nothing where it cannot be run.
fn output(command: &mut Command) -> String {
    let out = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&out).lines().last().unwrap_or_default().trim().to_string()
}

/// A number with three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "-".into(),
        size if size >= 99.95 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The cells of a case's table, the heads first.
fn cells(rows: &[&Row]) -> Vec<Vec<String>> {
    let mut columns: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flat_map(|row| &row.values) {
        if !columns.contains(name) {
            columns.push(name);
        }
    }
    let judged = rows.iter().any(|row| row.verdict.is_some() || !row.note.is_empty());
    let mut head: Vec<String> = vec![String::new()];
    head.extend(columns.iter().map(ToString::to_string));
    head.extend(judged.then(String::new));
    let mut cells = vec![head];
    for row in rows {
        let value = |name: &&str| {
            row.values.iter().find(|(column, _)| column == name).map_or(String::new(), |(_, v)| number(*v))
        };
        let mut line = vec![row.label.clone()];
        line.extend(columns.iter().map(value));
        if judged {
            let verdict = match row.verdict {
                Some(true) => "pass: ",
                Some(false) => "FAIL: ",
                None => "",
            };
            line.push(format!("{verdict}{}", row.note));
        }
        cells.push(line);
    }
    cells
}

/// The cases that rows are of, in the order of their first rows.
fn cases(rows: &[Row]) -> Vec<(&'static str, Vec<&Row>)> {
    let mut cases: Vec<(&'static str, Vec<&Row>)> = Vec::new();
    for row in rows {
        match cases.iter_mut().find(|(case, _)| *case == row.case) {
            Some((_, rows)) => rows.push(row),
            None => cases.push((row.case, vec![row])),
        }
    }
    cases
}

/// For a terminal.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    for (case, rows) in cases(rows) {
        text += &format!("\n{case}\n");
        let cells = cells(&rows);
        let count = cells.first().map_or(0, Vec::len);
        let remarks =
            cells.first().is_some_and(|head| count > 1 && head.last().is_some_and(String::is_empty));
        let width = |column: usize| {
            cells
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..count).map(width).collect();
        for line in &cells {
            let padded = line.iter().zip(&widths).enumerate().map(|(at, (cell, &width))| match at {
                0 => format!("{cell:<width$}"),
                _ if remarks && at + 1 == count => cell.clone(),
                _ => format!("{cell:>width$}"),
            });
            text += format!("  {}", padded.collect::<Vec<_>>().join("  ")).trim_end();
            text += "\n";
        }
    }
    text
}

/// For docs/benchmarks.md.
pub fn markdown(machine: &Machine, command: &str, rows: &[Row], problems: &[String]) -> String {
    let mut text = format!("By `{command}`:\n\n| | |\n|---|---|\n");
    for (what, value) in &machine.0 {
        text += &format!("| {what} | {value} |\n");
    }
    for (case, rows) in cases(rows) {
        text += &format!("\n### {case}\n\n");
        for (at, line) in cells(&rows).iter().enumerate() {
            text += &format!("| {} |\n", line.join(" | "));
            if at == 0 {
                text += &format!("|---|{}\n", "---:|".repeat(line.len().saturating_sub(1)));
            }
        }
    }
    if !problems.is_empty() {
        text += "\nWhat went wrong in this run:\n\n";
        problems
            .iter()
            .for_each(|problem| text += &format!("- {}\n", problem.lines().next().unwrap_or_default()));
    }
    text
}

/// For programs.
pub fn json(machine: &Machine, command: &str, rows: &[Row], problems: &[String]) -> Value {
    let line = |row: &Row| {
        let number = |value: f64| if value.is_finite() { json!(value) } else { Value::Null };
        let values: serde_json::Map<String, Value> =
            row.values.iter().map(|(name, value)| (name.to_string(), number(*value))).collect();
        json!({"case": row.case, "label": row.label, "values": values, "pass": row.verdict, "note": row.note})
    };
    let about: serde_json::Map<String, Value> =
        machine.0.iter().map(|(what, value)| (what.to_string(), json!(value))).collect();
    json!({
        "command": command,
        "machine": about,
        "rows": rows.iter().map(line).collect::<Vec<_>>(),
        "problems": problems,
    })
}

/// Puts `text` between the marks of a document, in place of what an earlier run wrote there.
///
/// # Errors
/// The file cannot be read or written, or lacks the marks.
pub fn into_document(file: &Path, text: &str) -> Result<()> {
    let old = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    fs::write(file, replaced(&old, text).with_context(|| file.display().to_string())?)?;
    Ok(())
}

const BEGIN: &str = "<!-- what follows is written by scripts/bench -->\n";
const END: &str = "<!-- what precedes is written by scripts/bench -->\n";

fn replaced(old: &str, text: &str) -> Result<String> {
    let (before, rest) = old.split_once(BEGIN).with_context(|| format!("lacks the line {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("lacks the line {END}"))?;
    Ok(format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_count() {
        let written = [0.4213, 9.999, 12.34, 123.4, 3.0, f64::NAN].map(number);
        assert_eq!(written, ["0.42", "10.0", "12.3", "123", "3", "-"]);
    }

    #[test]
    fn rows_of_one_case_share_a_table_whose_columns_are_all_of_theirs() {
        let rows = [
            Row::new("a", "one").with("x", 1.0),
            Row::new("b", "other").with("z", 1.5),
            Row::new("a", "two").with("y", 2.0).judged("y under 1", false),
        ];
        assert_eq!(
            table(&rows),
            "\na\n       x  y\n  one  1\n  two     2  FAIL: y under 1 (MISSED)\n\nb\n            z\n  other  1.50\n"
        );
        let text = markdown(&Machine::default(), "x", &rows, &[]);
        assert!(
            text.contains("### a\n\n|  | x | y |  |\n|---|---:|---:|---:|\n| one | 1 |  |  |\n"),
            "{text}"
        );
    }

    #[test]
    fn a_run_replaces_only_what_a_run_has_written() {
        let old = format!("head\n{BEGIN}old\n{END}tail\n");
        let new = replaced(&old, "new").unwrap();
        assert_eq!(new, format!("head\n{BEGIN}\nnew\n{END}tail\n"));
        assert_eq!(replaced(&new, "new").unwrap(), new);
        assert!(replaced("no marks", "x").is_err());
    }
}
