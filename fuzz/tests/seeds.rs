//! Every committed seed through its target, on any toolchain.

use std::fs;
use std::path::Path;

#[test]
fn all_seeds_pass() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (name, target) in netcode_fuzz::TARGETS {
        let files = fs::read_dir(directory.join(name)).expect("each target has seeds");
        let mut paths: Vec<_> = files.map(|file| file.expect("it can be read").path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has no seeds");
        for path in paths {
            println!("{}", path.display());
            target(&fs::read(&path).expect("it can be read"));
        }
    }
}
