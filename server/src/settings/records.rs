//! The types of values about the log and the audit.

use std::path::PathBuf;

use super::SettingValue;

/// The form of the log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

impl SettingValue for LogFormat {
    const NOTATION: &str = "text|json";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it has to be `text` or `json`".to_owned()),
        }
    }
}

/// Where the audit is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// The standard output.
    Stdout,
    /// The end of a file.
    File(PathBuf),
}

impl SettingValue for AuditTarget {
    const NOTATION: &str = "FILE|stdout";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "stdout" => Ok(Self::Stdout),
            path if path.starts_with('/') => Ok(Self::File(path.into())),
            _ => Err("it has to be `stdout` or an absolute path".to_owned()),
        }
    }
}

/// How much of a client's address the audit has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditClient {
    /// All of it.
    Full,
    /// Its network: 24 bits of an IPv4 address, 48 of an IPv6 address.
    Prefix,
    /// Nothing.
    None,
}

impl SettingValue for AuditClient {
    const NOTATION: &str = "full|prefix|none";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Self::Full),
            "prefix" => Ok(Self::Prefix),
            "none" => Ok(Self::None),
            _ => Err("it has to be `full`, `prefix` or `none`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_path_of_the_audit_is_refused() {
        assert_eq!(AuditTarget::parse("stdout"), Ok(AuditTarget::Stdout));
        assert!(matches!(AuditTarget::parse("/a.jsonl"), Ok(AuditTarget::File(_))));
        assert!(AuditTarget::parse("audit.jsonl").is_err());
    }
}
