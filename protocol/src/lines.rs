//! Several messages in one text frame, one a line.
//!
//! Each frame costs a browser some tenth of a millisecond, whatever its length, and thousands of
//! small files cause tens of thousands of messages. A message in JSON contains no line feed: inside
//! a string it is escaped (RFC 8259 §7).

/// Joins messages to a frame.
#[derive(Clone, Debug, Default)]
pub struct Lines(String);

impl Lines {
    /// Adds a message in JSON.
    pub fn push(&mut self, message: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(message);
    }

    /// Returns the length of the frame in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the frame is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the frame's text, and starts another frame.
    #[must_use]
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

/// Returns the messages of a text frame, each in JSON.
pub fn split(frame: &str) -> impl Iterator<Item = &str> {
    frame.split('\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ClientMessage;

    proptest! {
        #[test]
        fn messages_come_out_of_a_frame_as_they_went_in(paths in prop::collection::vec(".*", 1..5)) {
            let mut lines = Lines::default();
            let messages: Vec<_> =
                paths.into_iter().map(|path| ClientMessage::List { path }).collect();
            for message in &messages {
                lines.push(&serde_json::to_string(message).unwrap());
            }
            let frame = lines.take();
            let read: Vec<ClientMessage> =
                split(&frame).map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(read, messages);
            prop_assert!(lines.is_empty());
        }
    }
}
