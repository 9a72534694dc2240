//! What the fuzz targets in `fuzz/` need beside the public interface.

/// Has the nonce audit, where there is one, forget what was sealed: inputs begin anew.
pub fn forget_nonces() {
    #[cfg(feature = "nonce-audit")]
    crate::crypto::audit::forget();
}
