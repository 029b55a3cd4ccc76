//! TLS, as far as it exists: that it can be switched off.

use config::Config;

/// TLS of a client. Tidewatch does not speak TLS yet.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(
    no_rules,
    unsupported(
        "ca_file",
        "ca_pem",
        "cert_file",
        "cert_pem",
        "key_file",
        "key_pem",
        "min_version",
        "max_version",
        "cipher_suites",
        "include_insecure_cipher_suites",
        "curve_preferences",
        "include_system_ca_certs_pool",
        "reload_interval",
        "insecure_skip_verify",
        "server_name_override",
        "tpm"
    )
)]
pub struct ClientTls {
    /// Send in clear text. Must be true for gRPC until TLS is supported.
    pub insecure: bool,
}
