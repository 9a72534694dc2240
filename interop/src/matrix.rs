//! All cells: who is in them, their results, and the table.

use crate::documented::{Documented, documented};
use crate::implementation::{Family, Implementation, Ipv6Words};
use crate::netcode_rs::NetcodeRs;
use crate::official::Official;
use crate::ours::Ours;
use crate::renetcode::Renetcode;
use crate::scenarios;
use crate::setting::{Addresses, Setting};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cells mostly wait, so there may be more threads than processors.
const THREADS: usize = 6;

pub(crate) enum Cell {
    Ok,
    Documented(Documented),
    Skipped,
    /// Not as documented.
    Wrong(String),
}

pub(crate) struct Row {
    setting: Setting,
    pub(crate) cells: Vec<Cell>,
}

/// Who talks to whom, with whose tokens.
pub(crate) fn settings() -> Vec<Setting> {
    let peers: [&'static dyn Implementation; 3] = [&Official, &NetcodeRs, &Renetcode];
    let mut settings = Vec::new();
    let mut add = |client, server, issuer: &'static dyn Implementation| {
        for addresses in [Addresses::V4, Addresses::V6, Addresses::V6Turned] {
            let setting = Setting { client, server, issuer, addresses };
            if addresses != Addresses::V6Turned || turning_helps(&setting) {
                settings.push(setting);
            }
        }
    };
    add(&Ours, &Ours, &Ours);
    for peer in peers {
        for (client, server) in [(&Ours as &dyn Implementation, peer), (peer, &Ours)] {
            add(client, server, &Ours);
            add(client, server, peer);
        }
    }
    settings
}

/// Whether someone reads addresses otherwise than they are written.
fn turning_helps(setting: &Setting) -> bool {
    let words = [setting.client, setting.server, setting.issuer].map(Implementation::ipv6_words);
    words.contains(&Ipv6Words::NetworkOrder) && words.contains(&Ipv6Words::LittleEndian)
}

/// Tries all cells of the rows, or those in whose titles the text occurs.
pub(crate) fn run(settings: Vec<Setting>, has_ipv6: bool, only: &str) -> Vec<Row> {
    let places = (0..settings.len()).flat_map(|row| (0..scenarios::ALL.len()).map(move |column| (row, column)));
    let (slow, quick): (Vec<_>, Vec<_>) = places.partition(|&(_, column)| scenarios::ALL[column].is_slow);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let try_cell = |(row, column): (usize, usize)| {
        let cell = cell(&settings[row], column, has_ipv6, only);
        results.lock().expect("not poisoned").push(((row, column), cell));
    };
    let (try_cell, quick) = (&try_cell, &quick);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(&place) = quick.get(next.fetch_add(1, Ordering::Relaxed)) {
                    try_cell(place);
                }
            });
        }
        for place in slow {
            scope.spawn(move || try_cell(place));
        }
    });
    let mut results = results.into_inner().expect("not poisoned");
    results.sort_by_key(|&(place, _)| place);
    let mut cells = results.into_iter().map(|(_, cell)| cell);
    settings
        .into_iter()
        .map(|setting| Row { setting, cells: cells.by_ref().take(scenarios::ALL.len()).collect() })
        .collect()
}

fn cell(setting: &Setting, column: usize, has_ipv6: bool, only: &str) -> Cell {
    let scenario = &scenarios::ALL[column];
    let no_network = setting.family() == Family::V6 && !has_ipv6;
    if no_network || !title(setting, column).contains(only) {
        return Cell::Skipped;
    }
    let trial = catch_unwind(AssertUnwindSafe(|| (scenario.trial)(setting)));
    let result = trial.unwrap_or_else(|_| Err("panicked".to_string()));
    match (result, documented(setting, scenario.title)) {
        (Ok(()), None) => Cell::Ok,
        (Err(finding), Some(known)) if finding == known.finding => Cell::Documented(known),
        (Err(finding), None) => Cell::Wrong(finding),
        (Ok(()), Some(known)) => Cell::Wrong(format!("works, but is documented not to: {}", known.finding)),
        (Err(finding), Some(known)) => Cell::Wrong(format!("{finding}, but is documented as: {}", known.finding)),
    }
}

fn addresses(setting: &Setting) -> &'static str {
    match setting.addresses {
        Addresses::V4 => "IPv4",
        Addresses::V6 => "IPv6",
        Addresses::V6Turned => "IPv6, turned",
    }
}

/// A cell in words.
fn title(setting: &Setting, column: usize) -> String {
    let Setting { client, server, issuer, .. } = setting;
    format!(
        "{} to {}, token by {}, {}: {}",
        client.name(),
        server.name(),
        issuer.name(),
        addresses(setting),
        scenarios::ALL[column].title
    )
}

/// The cells that are not as documented.
pub(crate) fn wrong(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    for row in rows {
        for (column, cell) in row.cells.iter().enumerate() {
            if let Cell::Wrong(finding) = cell {
                lines.push(format!("{}: {finding}", title(&row.setting, column)));
            }
        }
    }
    lines
}

/// The table in Markdown, with the reasons below it.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut notes: Vec<String> = Vec::new();
    let mut lines = vec![["client", "server", "token by", "addresses"].map(String::from).to_vec()];
    lines[0].extend(scenarios::ALL.iter().map(|scenario| scenario.title.to_string()));
    for Row { setting, cells } in rows {
        let names = [setting.client.name(), setting.server.name(), setting.issuer.name(), addresses(setting)];
        let mut line = names.map(String::from).to_vec();
        line.extend(cells.iter().map(|cell| match cell {
            Cell::Ok => "ok".to_string(),
            Cell::Skipped => "skipped".to_string(),
            Cell::Wrong(_) => "WRONG".to_string(),
            Cell::Documented(known) => {
                let note = format!("documented: {} ({}).", known.reason, known.finding);
                let number = notes.iter().position(|other| *other == note).unwrap_or_else(|| {
                    notes.push(note);
                    notes.len() - 1
                });
                format!("[{}]", number + 1)
            }
        }));
        lines.push(line);
    }
    let mut text = grid(&lines);
    text.push('\n');
    for (index, note) in notes.iter().enumerate() {
        let _ = writeln!(text, "{}. {note}", index + 1);
    }
    text
}

fn grid(lines: &[Vec<String>]) -> String {
    let widths: Vec<usize> =
        (0..lines[0].len()).map(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (field, width) in line.iter().zip(&widths) {
            let _ = write!(text, "| {field:<width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _ = write!(text, "| {} ", "-".repeat(*width));
            }
            text.push_str("|\n");
        }
    }
    text
}
