//! The committed C header is what the sources make.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

/// How long the generator, and whatever it is built from, may take to build.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where generated headers go. The name is another on every run, so that the build script runs.
fn generated_header() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("netcode-{}.h", process::id()))
}

/// Has the build script write the header to this file.
fn generate(header: &Path, further_arguments: &[&str]) -> Result<(), String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsStr::new("cargo").to_owned());
    let mut command = Command::new(cargo);
    command
        .args(["check", "--quiet", "--locked", "--lib", "--features", "header"])
        .args(further_arguments)
        // The generator runs for a moment only, and is built sooner without optimisation.
        .args(["--config", r#"profile.dev.package."*".opt-level=0"#, "--config", "profile.dev.debug=false"])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        // Not the one of the build that this test belongs to, which may be locked.
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("header"))
        .env("NETCODE_HEADER", header)
        .stdin(Stdio::null());
    let child = command.spawn().map_err(|error| format!("cargo does not start: {error}"))?;
    wait(child)
}

/// Waits for a process, but not for ever.
fn wait(mut child: Child) -> Result<(), String> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("cargo fails: {status}")),
            None => thread::sleep(Duration::from_millis(50)),
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("cargo takes longer than {} s", PATIENCE.as_secs()))
}

#[test]
fn the_header_is_up_to_date() {
    let file = generated_header();
    // Without the network if everything is there, as it is where the header has been generated before.
    generate(&file, &["--offline"]).or_else(|_| generate(&file, &[])).expect("the header can be generated");
    let generated = fs::read_to_string(&file).expect("the header was generated");
    fs::remove_file(&file).expect("it is ours");

    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/netcode.h");
    let committed = fs::read_to_string(committed).expect("there is a header");
    let difference = committed.lines().zip(generated.lines()).position(|(committed, generated)| committed != generated);
    assert!(
        committed == generated,
        "include/netcode.h does not fit the sources, from line {} on; `make header` regenerates it",
        difference.unwrap_or_else(|| committed.lines().count().min(generated.lines().count())) + 1,
    );
}
