//! Whether settings fit together.

use super::{
    DESCRIPTIONS, Preset, PresetLogin, Scheme, Settings, SettingsError, SettingsErrors, Sources,
};

impl Settings {
    /// Parses each setting from the first source that has it.
    ///
    /// # Errors
    /// All values that do not parse, or all settings that contradict each other.
    pub fn from_sources(sources: &Sources) -> Result<Self, SettingsErrors> {
        let mut errors = SettingsErrors::default();
        let Some(settings) = Self::parse(sources, &mut errors) else { return Err(errors) };
        errors.extend(settings.contradictions().into_iter().map(|what| {
            let places = sources.places_of(&what, DESCRIPTIONS);
            let places = if places.is_empty() { places } else { format!(" ({places})") };
            SettingsError::Contradiction(format!("{what}{places}"))
        }));
        errors.into_result().map(|()| settings)
    }

    /// Checks whether the settings fit together.
    ///
    /// # Errors
    /// All contradictions.
    pub fn check(&self) -> Result<(), SettingsErrors> {
        let mut errors = SettingsErrors::default();
        errors.extend(self.contradictions().into_iter().map(SettingsError::Contradiction));
        errors.into_result()
    }

    /// Returns the default values.
    ///
    /// # Errors
    /// Never, as a test of the table asserts.
    pub fn defaults() -> Result<Self, SettingsErrors> {
        Self::from_sources(&Sources::default())
    }

    /// Returns the contradictions, each a sentence.
    fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        found.extend(self.listener_contradictions());
        found.extend(self.window_contradictions());
        found.extend(self.zeros());
        found.extend(self.ping_contradiction());
        found.extend(self.tls_contradiction());
        found.extend(self.store_contradiction());
        found.extend(self.certificate_contradictions());
        found.extend(self.list_contradictions());
        found.extend(self.presets.iter().flat_map(|preset| self.preset_contradictions(preset)));
        found
    }

    fn listener_contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.admin_listen == Some(self.listen) && self.listen.port() != 0 {
            found
                .push(format!("`admin_listen` needs another port than `listen` ({})", self.listen));
        }
        if self.proxy_protocol && self.trusted_proxies.is_empty() {
            found.push(
                "`proxy_protocol` needs `trusted_proxies`: the header could come from anybody"
                    .to_owned(),
            );
        }
        if self.listen.ip().is_loopback() {
            return found;
        }
        if self.scheme() == Scheme::Http && self.trusted_proxies.is_empty() {
            found.push(
                "with this `listen` others could read passwords on the network: set \
                 `tls_certificate_file` or `acme_domains`, or put a reverse proxy with HTTPS in front of \
                 the portal and name its address in `trusted_proxies`, or listen on a loopback address"
                    .to_owned(),
            );
        }
        if self.public_url.is_none() && self.origins.is_empty() && self.acme_domains.is_empty() {
            found.push(
                "with this `listen` the portal has to know the address of its page: set \
                 `public_url = \"https://upload.example.com\"`"
                    .to_owned(),
            );
        }
        found
    }

    fn window_contradictions(&self) -> impl Iterator<Item = String> {
        let steps = [
            ("min_chunk", self.min_chunk, "max_chunk", self.max_chunk),
            ("min_chunk", self.min_chunk, "ahead_window", self.ahead_window),
            ("ahead_window", self.ahead_window, "window", self.window),
            ("max_chunk", self.max_chunk, "window", self.window),
            ("window", self.window, "window_budget", self.window_budget),
        ];
        let wrong = steps.into_iter().filter(|(_, lesser, _, greater)| lesser > greater);
        wrong.map(|(lesser_name, lesser, greater_name, greater)| {
            format!("`{lesser_name}` ({lesser}) may not be more than `{greater_name}` ({greater})")
        })
    }

    /// Refuses zero where the portal could not work with it.
    fn zeros(&self) -> impl Iterator<Item = String> {
        let rows = [
            ("min_chunk", self.min_chunk.0 == 0),
            ("max_message", self.max_message.0 == 0),
            ("max_unacknowledged", self.max_unacknowledged.0 == 0),
            ("max_sessions", self.max_sessions == 0),
            ("max_connections", self.max_connections == 0),
            ("max_http_connections", self.max_http_connections == 0),
            ("max_admin_connections", self.max_admin_connections == 0),
            ("max_open_uploads", self.max_open_uploads == 0),
            ("max_waiting_sockets", self.max_waiting_sockets == 0),
            ("max_session_waiting_sockets", self.max_session_waiting_sockets == 0),
            ("max_target_attempts", self.max_target_attempts == 0),
            ("max_reply", self.max_reply.0 == 0),
            ("max_reply_line", self.max_reply_line.0 == 0),
            ("max_reply_lines", self.max_reply_lines == 0),
            ("growth_interval", self.growth_interval.is_zero()),
            ("keepalive_idle", self.keepalive_idle.is_zero()),
            ("keepalive_interval", self.keepalive_interval.is_zero()),
            ("ping_interval", self.ping_interval.is_zero()),
            ("http_connection_lifetime", self.http_connection_lifetime.is_zero()),
            ("admin_connection_lifetime", self.admin_connection_lifetime.is_zero()),
            ("page_write_timeout", self.page_write_timeout.is_zero()),
            ("proxy_protocol_timeout", self.proxy_protocol_timeout.is_zero()),
            ("tls_file_interval", self.tls_file_interval.is_zero()),
            ("drop_lease", self.drop_lease.is_zero()),
            ("acme_retry_wait", self.acme_retry_wait.is_zero()),
            ("max_acme_retry_wait", self.max_acme_retry_wait.is_zero()),
        ];
        let zeros = rows.into_iter().filter(|(_, is_zero)| *is_zero);
        zeros.map(|(name, _)| format!("`{name}` may not be 0"))
    }

    fn ping_contradiction(&self) -> Option<String> {
        (self.page_silence_timeout < self.ping_interval.saturating_mul(2))
            .then(|| "`page_silence_timeout` may not be less than twice `ping_interval`".to_owned())
    }

    fn tls_contradiction(&self) -> Option<String> {
        (self.tls_min > self.tls_max)
            .then(|| "`tls_min` may not be newer than `tls_max`".to_owned())
    }

    /// Refuses settings about the certificate that are of no use, or contradict each other.
    fn certificate_contradictions(&self) -> Vec<String> {
        let is_on = !self.acme_domains.is_empty();
        let of_no_use = [
            ("acme_email", self.acme_email.is_some()),
            ("acme_eab_key_id", self.acme_eab_key_id.is_some()),
            ("acme_eab_hmac_key_file", self.acme_eab_hmac_key_file.is_some()),
            ("acme_dir", self.acme_dir.is_some()),
            ("acme_ca_file", !self.acme_ca_file.is_empty()),
            ("http_listen", self.http_listen.is_some()),
        ];
        let of_no_use = of_no_use.into_iter().filter(|(_, is_set)| *is_set && !is_on);
        let of_no_use =
            of_no_use.map(|(name, _)| format!("`{name}` is of no use without `acme_domains`"));
        let mut found: Vec<String> = of_no_use.collect();
        if self.http_listen == Some(self.listen) && self.listen.port() != 0 {
            found.push(format!("`http_listen` needs another port than `listen` ({})", self.listen));
        }
        if self.acme_eab_key_id.is_some() != self.acme_eab_hmac_key_file.is_some() {
            found.push("`acme_eab_key_id` and `acme_eab_hmac_key_file` need each other".to_owned());
        }
        if is_on {
            found.extend(self.authority_contradictions());
        }
        found
    }

    /// Refuses what does not go with a certificate from an authority.
    fn authority_contradictions(&self) -> impl Iterator<Item = String> {
        let (has_store, has_dir) = (self.store.is_some(), self.acme_dir.is_some());
        let rows = [
            (
                has_store && has_dir,
                "`acme_dir` is of no use beside `store`, which keeps the certificate",
            ),
            (
                !has_store && !has_dir,
                "`acme_domains` needs `acme_dir` or `store`, to keep the certificate",
            ),
            (
                self.tls_certificate_file.is_some(),
                "`acme_domains` and `tls_certificate_file` are two certificates: remove one of them",
            ),
            (
                !self.trusted_proxies.is_empty() && !self.proxy_protocol,
                "`acme_domains` is of no use with `trusted_proxies`, unless they pass TLS on with \
                 `proxy_protocol`: the proxy has the certificate",
            ),
        ];
        let found = rows.into_iter().filter(|(is_wrong, _)| *is_wrong);
        found.map(|(_, what)| what.to_owned())
    }

    /// Refuses a store without keys, and keys without a store.
    fn store_contradiction(&self) -> Option<String> {
        let what = match (&self.store, &self.keyring_file) {
            (Some(_), None) => {
                "`store` needs `keyring_file`: what is secret is sealed. `ferryport keys new` makes a \
                 key"
            }
            (None, Some(_)) => "`keyring_file` is of no use without `store`",
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(what.to_owned())
    }

    fn list_contradictions(&self) -> impl Iterator<Item = String> {
        let lists =
            [("allow_host", self.allow_host.is_empty()), ("deny_host", self.deny_host.is_empty())];
        let has_presets = !self.presets.is_empty();
        let useless = lists.into_iter().filter(move |(_, is_empty)| has_presets && !is_empty);
        useless.map(|(name, _)| {
            format!(
                "`{name}` is of no use beside `[[preset]]`: users type no host. Remove one of them"
            )
        })
    }

    fn preset_contradictions(&self, preset: &Preset) -> Vec<String> {
        let Preset { name, trust, .. } = preset;
        let mut found = Vec::new();
        if trust.tls_min > Some(self.tls_max) {
            found.push(format!(
                "the preset `{name}`: its `tls_min` may not be newer than the setting `tls_max`"
            ));
        }
        let can_verify = !trust.pins.is_empty()
            || !trust.ca_file.is_empty()
            || !self.ca_file.is_empty()
            || self.system_roots;
        if matches!(preset.login, PresetLogin::PortalFromStore { .. }) && self.store.is_none() {
            found.push(format!("the preset `{name}`: `password_store` needs the setting `store`"));
        }
        if preset.login.is_by_portal() && !can_verify {
            found.push(format!(
                "the preset `{name}`: with `login = \"portal\"` nobody can be asked about the \
                 server's certificate: set `pins` or `ca_file`"
            ));
        }
        if preset.drops.is_some() {
            let needs = [
                (!preset.login.is_by_portal(), "`login = \"portal\"`: guests have no account"),
                (self.store.is_none(), "the setting `store`, which keeps the drops"),
                (self.public_url.is_none(), "the setting `public_url`, which begins their links"),
            ];
            let missing = needs.into_iter().filter(|(is_missing, _)| *is_missing);
            found.extend(
                missing.map(|(_, what)| format!("the preset `{name}`: `drops` needs {what}")),
            );
        }
        found
    }
}
