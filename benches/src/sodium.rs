//! Sealing by libsodium alone, as a yardstick.

use crate::measure::{Cell, Effort, Prepared, take_turns};
use libloading::{Library, Symbol};
use std::ffi::{c_int, c_uchar, c_ulonglong};
use std::hint::black_box;
use std::ptr;

const LIBRARY: &str = "libsodium.so.23";
/// Additional data of a payload packet: version, protocol id, prefix byte.
const ADDITIONAL_BYTES: usize = 13 + 8 + 1;
const TAG_BYTES: usize = 16;

type Seal = unsafe extern "C" fn(
    *mut c_uchar,
    *mut c_ulonglong,
    *const c_uchar,
    c_ulonglong,
    *const c_uchar,
    c_ulonglong,
    *const c_uchar,
    *const c_uchar,
    *const c_uchar,
) -> c_int;

/// Measures sealing of messages of these sizes, or says why it is skipped.
pub(crate) fn measure(sizes: &[usize], effort: Effort) -> Result<Vec<Cell>, String> {
    // SAFETY: libsodium has no initialisers that could do harm.
    let library = unsafe { Library::new(LIBRARY) }.map_err(|_| format!("skipped: there is no {LIBRARY}"))?;
    // SAFETY: the signatures are those of libsodium.
    let (init, seal) = unsafe {
        let init: Symbol<'_, unsafe extern "C" fn() -> c_int> =
            library.get(b"sodium_init").map_err(|error| error.to_string())?;
        let seal: Symbol<'_, Seal> =
            library.get(b"crypto_aead_chacha20poly1305_ietf_encrypt").map_err(|error| error.to_string())?;
        (init, *seal)
    };
    // SAFETY: called before anything else of it.
    if unsafe { init() } < 0 {
        return Err(format!("skipped: {LIBRARY} does not start"));
    }
    Ok(take_turns(sizes.iter().map(|&size| Ok(prepare(seal, size))).collect(), effort))
}

fn prepare<'a>(seal: Seal, size: usize) -> Prepared<'a> {
    let message: Vec<u8> = (0..size).map(|index| index as u8).collect();
    let mut sealed = vec![0; size + TAG_BYTES];
    let additional = [7; ADDITIONAL_BYTES];
    let key = [9; 32];
    let mut nonce = [0; 12];
    let mut sequence = 0u64;
    Prepared {
        operations: 1,
        rounds: Box::new(move |rounds, watch| {
            watch.time(|| {
                for _ in 0..rounds {
                    sequence += 1;
                    nonce[4..].copy_from_slice(&sequence.to_le_bytes());
                    // SAFETY: the buffers have the sizes given and those that the cipher has.
                    unsafe {
                        seal(
                            sealed.as_mut_ptr(),
                            ptr::null_mut(),
                            message.as_ptr(),
                            size as c_ulonglong,
                            additional.as_ptr(),
                            ADDITIONAL_BYTES as c_ulonglong,
                            ptr::null(),
                            nonce.as_ptr(),
                            key.as_ptr(),
                        );
                    }
                    black_box(&sealed);
                }
            });
            Ok(())
        }),
    }
}
