//! The settings that act at the start only.

use super::Settings;

/// Declares these settings.
macro_rules! fixed {
    ($($name:ident),+ $(,)?) => {
        /// The settings that act at the start only: a change of them needs a restart.
        pub const FIXED: &[&str] = &[$(stringify!($name)),+];

        impl Settings {
            /// Takes over the values of the settings that act at the start only. Returns the names of
            /// those that had changed.
            pub fn keep_fixed(&mut self, running: &Self) -> Vec<&'static str> {
                let mut changed = Vec::new();
                $(
                    if format!("{:?}", self.$name) != format!("{:?}", running.$name) {
                        changed.push(stringify!($name));
                        self.$name = running.$name.clone();
                    }
                )+
                changed
            }
        }
    };
}

// Their `Debug` is compared, so no secret may be among them; that of `store` hides its password.
fixed! {
    listen,
    admin_listen,
    max_admin_connections,
    admin_connection_lifetime,
    control_socket,
    store,
    store_timeout,
    keyring_file,
    acme_domains,
    acme_email,
    acme_directory,
    acme_eab_key_id,
    acme_eab_hmac_key_file,
    acme_dir,
    acme_ca_file,
    acme_timeout,
    acme_order_timeout,
    acme_retry_wait,
    max_acme_retry_wait,
    http_listen,
    max_http_connections,
    http_connection_lifetime,
    tls_certificate_file,
    tls_key_file,
    tls_file_interval,
    log_format,
    audit,
    audit_paths,
    audit_client,
    max_connections,
    max_client_connections,
    reserved_connections,
    max_waiting_sockets,
    window_budget,
    outbox_budget,
    max_known_servers,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::DESCRIPTIONS;

    #[test]
    fn no_secret_is_fixed() {
        for name in FIXED {
            let setting = DESCRIPTIONS.iter().find(|setting| setting.name == *name).unwrap();
            assert!(!setting.is_secret || *name == "store", "{name}");
        }
    }

    #[test]
    fn changed_settings_that_act_at_the_start_only_are_named_and_kept() {
        let running = Settings::defaults().unwrap();
        let mut settings = running.clone();
        settings.listen = "127.0.0.1:1".parse().unwrap();
        settings.max_sessions = 7;
        assert_eq!(settings.keep_fixed(&running), ["listen"]);
        assert_eq!((settings.listen, settings.max_sessions), (running.listen, 7));
    }
}
