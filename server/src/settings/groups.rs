//! The groups of settings, for `--help`.

/// The heading of each group, by its first setting.
const GROUPS: &[(&str, &str)] = &[
    ("listen", "Listener, HTTPS and reverse proxies"),
    ("log_format", "Log and audit"),
    ("allow_network", "Servers that users may type"),
    ("max_sessions", "Sessions and pages"),
    ("max_chunk", "Memory of uploads"),
    ("session_connects_per_minute", "Limits on connections and logins"),
    ("resolve_timeout", "FTPS connections"),
    ("max_ftps_connections", "FTPS sessions"),
    ("retries", "Retries and replies"),
    ("tls_min", "Certificates and proxy of FTPS connections"),
    ("max_listing", "Listings and deletions"),
    ("store", "What the portal keeps"),
    ("client_drop_links_per_minute", "Drops"),
    ("acme_domains", "The certificate of the page, from an authority"),
];

/// Returns the heading of the group that begins with a setting.
#[must_use]
pub fn heading_before(name: &str) -> Option<&'static str> {
    GROUPS.iter().find(|(first, _)| *first == name).map(|(_, heading)| *heading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::DESCRIPTIONS;

    #[test]
    fn every_group_begins_with_a_setting_and_the_first_one_with_the_first() {
        let places = GROUPS.iter().map(|(first, _)| {
            let place = DESCRIPTIONS.iter().position(|setting| setting.name == *first);
            place.unwrap_or_else(|| panic!("{first} is no setting"))
        });
        let places: Vec<usize> = places.collect();
        assert!(places.is_sorted() && places[0] == 0, "{places:?}");
    }
}
