//! What the figures were measured on.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

/// Facts, each with its name.
pub(crate) fn facts() -> Vec<(&'static str, String)> {
    vec![
        ("CPU", cpu()),
        ("Kernel", kernel()),
        ("Compiler", rustc()),
        ("Flags for the peers and this program", flags()),
        ("Date", date()),
    ]
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    let count = info.lines().filter(|line| line.starts_with("processor")).count();
    let model = field("model name").unwrap_or_else(|| "unknown".to_string());
    match (field("cpu family"), field("model")) {
        (Some(family), Some(number)) => format!("{model} (family {family}, model {number}), {count} cores"),
        _ => format!("{model}, {count} cores"),
    }
}

fn kernel() -> String {
    let read = |name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    format!("{} {}", read("ostype").trim(), read("osrelease").trim())
}

fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_string())
}

/// Flags that decide how the peers' ciphers are compiled.
fn flags() -> String {
    if cfg!(target_feature = "avx2") {
        "AVX2 allowed throughout, as by target-cpu=native".to_string()
    } else {
        "none, the default of cargo build --release".to_string()
    }
}

/// Today, in UTC.
fn date() -> String {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut day = since_1970.as_secs() / 86400;
    let leap = |year: u64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, day + 1)
}
