//! What the fuzz targets in `fuzz/` need beside the public interface.

/// Has the nonce audit, where there is one, forget what was sealed: inputs begin anew.
pub fn forget_nonces() {
    #[cfg(feature = "nonce-audit")]
    crate::crypto::audit::forget();
}

/// For the rest of an input in which two tokens have the same keys, which no backend makes.
pub fn stop_recording_nonces() {
    #[cfg(feature = "nonce-audit")]
    crate::crypto::audit::pause();
}
