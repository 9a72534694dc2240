//! Tables for people to read.

use crate::measure::{Cell, Figures};
use std::fmt::Write;

/// A workload's figures, one for each implementation; those of ours come first.
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) operation: &'static str,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// How many times our median the median of an implementation is.
    pub(crate) fn ratio(&self, index: usize) -> Option<f64> {
        let ours = self.cells[0].as_ref().ok()?;
        Some(self.cells[index].as_ref().ok()?.median / ours.median)
    }
}

/// Rows with the same transport.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// The table in Markdown, with notes on what is missing.
    pub(crate) fn markdown(&self, names: &[String]) -> String {
        let mut notes: Vec<String> = Vec::new();
        let mut lines = vec![["workload", "per"].map(String::from).to_vec()];
        lines[0].extend(names.iter().cloned());
        for row in &self.rows {
            let mut line = vec![row.title.clone(), row.operation.to_string()];
            for (index, cell) in row.cells.iter().enumerate() {
                line.push(match (cell, row.ratio(index)) {
                    (Ok(figures), Some(ratio)) => format!("{} **{ratio:.2}**", nanoseconds(figures)),
                    (Ok(figures), None) => nanoseconds(figures),
                    (Err(reason), _) => {
                        let note = format!("{}: {reason}.", names[index]);
                        let number = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
                            notes.push(note);
                            notes.len() - 1
                        });
                        format!("none ({})", number + 1)
                    }
                });
            }
            lines.push(line);
        }
        let mut text = format!("## {}\n\n{}", self.title, grid(&lines, 2));
        if !notes.is_empty() {
            text.push('\n');
        }
        for (index, note) in notes.iter().enumerate() {
            let _ = writeln!(text, "{}. {note}", index + 1);
        }
        text
    }
}

/// The libsodium table, beside our payload row of the same sizes.
pub(crate) fn sodium(sizes: &[usize], cells: &Result<Vec<Cell>, String>, payloads: &[Option<Figures>]) -> String {
    let title = "## Sealing by libsodium alone";
    let cells = match cells {
        Ok(cells) => cells,
        Err(reason) => return format!("{title}\n\n{reason}.\n"),
    };
    let mut lines = vec![vec![
        "bytes".to_string(),
        "libsodium, sealing".to_string(),
        "ours, a whole packet of that payload".to_string(),
    ]];
    for ((size, cell), payload) in sizes.iter().zip(cells).zip(payloads) {
        let sealing = cell.as_ref().map_or_else(String::clone, nanoseconds);
        lines.push(vec![size.to_string(), sealing, payload.as_ref().map_or("none".to_string(), nanoseconds)]);
    }
    let text = "\
A whole packet is sealed, carried in memory, opened, checked and freed: it holds one sealing and one
opening, and all else that client and server do with it.";
    format!("{title}\n\n{}\n{text}\n", grid(&lines, 0))
}

fn nanoseconds(figures: &Figures) -> String {
    format!("{} ({})", thousands(figures.median), thousands(figures.minimum))
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A Markdown table, its columns aligned: so many to the left, the others to the right.
fn grid(lines: &[Vec<String>], left: usize) -> String {
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0).max(3))
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, (field, &width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column < left { write!(text, "| {field:<width$} ") } else { write!(text, "| {field:>width$} ") };
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                text.push_str(&if column < left {
                    format!("| {} ", "-".repeat(*width))
                } else {
                    format!("| {}: ", "-".repeat(width - 1))
                });
            }
            text.push_str("|\n");
        }
    }
    text
}
