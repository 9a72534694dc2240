//! The committed vectors are those that the generator makes.

use std::collections::BTreeSet;
use std::path::Path;

use netcode_conformance::vectors;

#[test]
fn the_committed_vectors_are_those_that_are_generated() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut names = BTreeSet::new();
    for category in vectors::all() {
        let name = format!("{}.json", category.name);
        let committed = std::fs::read_to_string(directory.join(&name)).expect("the file is there");
        assert!(committed == category.text(), "{name} is another: make conformance-update");
        names.insert(name);
    }
    let present = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(present.collect::<BTreeSet<_>>(), names, "there are no others");
}

#[test]
fn the_same_seed_makes_the_same_vectors() {
    let texts = || vectors::all().iter().map(|category| category.text()).collect::<Vec<_>>();
    assert!(texts() == texts());
}
