//! Writes `seeds/` anew: cargo run --example make_seeds, in `fuzz/`. Files of other names, such as inputs that crashed a
//! target once, stay.

use std::fs;
use std::path::Path;

use netcode_fuzz::seeds::{MOST_BYTES, MOST_FILES, of};

fn main() -> std::io::Result<()> {
    for (target, _) in netcode_fuzz::TARGETS {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        fs::create_dir_all(&directory)?;
        let seeds = of(target);
        assert!(seeds.len() <= MOST_FILES, "{target} has {} seeds", seeds.len());
        assert!(seeds.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= MOST_BYTES);
        for (number, (name, bytes)) in seeds.iter().enumerate() {
            fs::write(directory.join(format!("{number:02}-{name}")), bytes)?;
        }
    }
    Ok(())
}
