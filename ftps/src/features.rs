//! The features that a server lists in its reply to `FEAT` (RFC 2389).

use crate::reply::{Code, Reply};

/// The maximum number of features that are kept.
const MAX_FEATURES: usize = 256;

/// The reply to `FEAT`: one feature a line.
///
/// It is the server's claim. Some servers list nothing, some leave features out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    lines: Vec<String>,
}

impl Features {
    /// Parses a reply to `FEAT`; one that is not 211 lists no feature.
    #[must_use]
    pub fn from_reply(reply: &Reply) -> Self {
        if reply.code().value() != 211 {
            return Self::default();
        }
        Self { lines: feature_lines(reply, reply.code()) }
    }

    /// The features with their parameters, as the server wrote them, without indentation.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The parameters of a feature, `""` if it has none; `None` where the server does not list it.
    /// Case does not matter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| {
            let (head, parameters) = line.split_once(' ').unwrap_or((line, ""));
            head.eq_ignore_ascii_case(name).then_some(parameters)
        })
    }

    /// Whether the server lists the feature.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether the server lists a command of `SITE`.
    #[must_use]
    pub fn site(&self, name: &str) -> bool {
        let site = self.lines.iter().filter_map(|line| line.split_once(' '));
        let mut commands = site
            .filter(|(head, _)| head.eq_ignore_ascii_case("SITE"))
            .flat_map(|(_, commands)| commands.split([';', ' ', ',']));
        commands.any(|command| command.eq_ignore_ascii_case(name))
    }

    /// Whether names are UTF-8, or can be switched to it (RFC 2640 §3.2).
    #[must_use]
    pub fn utf8(&self) -> bool {
        self.has("UTF8")
    }

    /// Whether `SIZE` is supported (RFC 3659 §4).
    #[must_use]
    pub fn size(&self) -> bool {
        self.has("SIZE")
    }

    /// Whether `MLSD` is supported: `FEAT` lists it as `MLST` (RFC 3659 §7.8), some servers as
    /// both.
    #[must_use]
    pub fn mlsd(&self) -> bool {
        self.has("MLST") || self.has("MLSD")
    }

    /// Whether a transfer can start at an offset (RFC 3659 §5).
    #[must_use]
    pub fn rest_stream(&self) -> bool {
        let stream = |parameters: &str| parameters.eq_ignore_ascii_case("STREAM");
        self.get("REST").is_some_and(stream)
    }
}

/// The lines between the first and the last, without the code that some servers repeat.
fn feature_lines(reply: &Reply, code: Code) -> Vec<String> {
    let prefix = format!("{code}-");
    let inner = reply.lines().len().saturating_sub(2);
    let lines = reply.lines().skip(1).take(inner.min(MAX_FEATURES));
    let features = lines.map(|line| {
        let line = line.strip_prefix(&prefix).unwrap_or(&line);
        line.trim().to_owned()
    });
    features.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::decoder::{Decoded, ReplyDecoder, ReplyLimits};

    fn features(bytes: &[u8]) -> Features {
        let mut decoder = ReplyDecoder::new(ReplyLimits::default());
        decoder.push(bytes);
        while let Some(decoded) = decoder.decode().unwrap() {
            if let Decoded::Reply(reply) = decoded {
                return Features::from_reply(&reply);
            }
        }
        panic!("no reply");
    }

    #[test]
    fn features_are_read_as_rfc_2389_writes_them() {
        let features = features(
            b"211-Extensions supported:\r\n MLST size*;type*;\r\n SIZE\r\n REST STREAM\r\n\
              \x20UTF8\r\n211 END\r\n",
        );
        assert!(features.mlsd() && features.size() && features.rest_stream() && features.utf8());
        assert_eq!(features.get("mlst"), Some("size*;type*;"));
        assert!(!features.has("MFMT"));
        assert_eq!(features.lines().len(), 4);
    }

    #[test]
    fn code_on_every_line_is_not_part_of_the_feature() {
        let features = features(b"211-Features:\r\n211-SIZE\r\n211-UTF8\r\n211 End\r\n");
        assert_eq!(features.lines().collect::<Vec<_>>(), ["SIZE", "UTF8"]);
    }

    #[test]
    fn refusal_and_single_line_name_no_feature() {
        assert_eq!(features(b"500 what?\r\n"), Features::default());
        assert_eq!(features(b"211 no features\r\n"), Features::default());
    }
}
