//! Measures netcode, by its C API, and published peers, by their own, on the same workloads.

mod c_library;
mod implementation;
mod measure;
mod netcode_official;
mod netcode_rs;
mod network;
mod renetcode;
mod workloads;

fn main() {
    use crate::workloads::*;
    let lib = c_library::CLibrary::load("netcode (this)", std::path::Path::new("dist/lib/libnetcode.so")).unwrap();
    let imps: Vec<Box<dyn implementation::Implementation>> = vec![
        Box::new(lib),
        Box::new(crate::netcode_official::NetcodeOfficial),
        Box::new(crate::netcode_rs::NetcodeRs),
        Box::new(crate::renetcode::Renetcode),
    ];
    let effort = measure::Effort { reps: 5, rep: std::time::Duration::from_millis(5) };
    for m in [Medium::Memory, Medium::Sockets] {
        for w in Workload::ALL {
            println!("{}", w.title());
            let cells = measure::take_turns(imps.iter().map(|i| w.prepare(&**i, m)).collect(), effort);
            for (c, i) in cells.iter().zip(&imps) {
                match c {
                    Ok(f) => println!("   {} {:.0} {:.0}", i.name(), f.minimum, f.median),
                    Err(e) => println!("   {} {e}", i.name()),
                }
            }
        }
    }
}
