//! Decides which cipher is used, and generates the C header, if the `header` feature asks for it.

/// Where `ring` has assembly. Elsewhere it is no faster than what is all Rust, and some of its symbols would be
/// exported by our shared library.
const RING_ARCHITECTURES: [&str; 4] = ["aarch64", "arm", "x86", "x86_64"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(sealed_by_ring)");
    let architecture = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if std::env::var_os("CARGO_FEATURE_RING").is_some() && RING_ARCHITECTURES.contains(&architecture.as_str()) {
        println!("cargo:rustc-cfg=sealed_by_ring");
    }
    #[cfg(feature = "header")]
    header::generate();
}

#[cfg(feature = "header")]
mod header {
    use std::path::PathBuf;
    use std::{env, fs};

    /// In the order in which they are to appear.
    const SOURCES: [&str; 8] = ["types", "assert", "global", "address", "token", "client", "server/object", "server"];

    /// Writes the header to the file that the environment names, or among what cargo builds.
    pub(super) fn generate() {
        println!("cargo:rerun-if-changed=src/ffi");
        println!("cargo:rerun-if-changed=cbindgen.toml");
        println!("cargo:rerun-if-env-changed=NETCODE_HEADER");
        let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
        let path = env::var_os("NETCODE_HEADER").map_or(out.join("netcode.h"), PathBuf::from);

        let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is valid");
        let mut builder = cbindgen::Builder::new().with_config(config);
        for source in SOURCES {
            builder = builder.with_src(root.join(format!("src/ffi/{source}.rs")));
        }
        let mut header = Vec::new();
        builder.generate().expect("the sources can be turned into a header").write(&mut header);
        let header = String::from_utf8(header).expect("the sources are UTF-8");
        fs::write(path, without_safety_sections(&header)).expect("the header can be written");
    }

    /// The sections speak to Rust callers, about what every C programmer takes for granted.
    fn without_safety_sections(header: &str) -> String {
        let mut text = String::new();
        let mut in_section = false;
        for line in header.lines() {
            match line.trim() {
                "* # Safety" => {
                    in_section = true;
                    let kept = text.trim_end_matches([' ', '*', '\n']).len();
                    text.truncate(kept);
                    text.push('\n');
                }
                "*/" => in_section = false,
                _ => {}
            }
            if !in_section {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}
