//! What the guests of a drop are asked, and their answers.

use serde::{Deserialize, Serialize};

/// The most questions, and the most bytes of a key, a label and an answer.
const MAX_QUESTIONS: usize = 16;
const MAX_KEY: usize = 32;
const MAX_LABEL: usize = 100;
const MAX_ANSWER: usize = 2000;

/// The keys whose labels the page knows.
const KNOWN: [&str; 3] = ["name", "email", "message"];

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The name of the answer.
    pub key: String,
    /// What guests read; empty for a key that the page knows.
    pub label: String,
    /// Whether an answer is needed.
    pub required: bool,
}

/// The questions of a drop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions(Vec<Question>);

/// Why the answers of a guest are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerRefusal {
    /// An answer is needed, and missing.
    #[error("`{0}` is needed")]
    Missing(String),
    /// An answer is too long, or is none.
    #[error("`{0}` cannot be used")]
    Unusable(String),
}

impl Questions {
    /// Parses a list: `name=required,email,order:"Order number"=required`.
    ///
    /// # Errors
    /// A sentence about the question that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut questions: Vec<Question> = Vec::new();
        for part in split_outside_quotes(text) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let question = parse_question(part)?;
            if questions.iter().any(|earlier| earlier.key == question.key) {
                return Err(format!("`{}` is asked twice", question.key));
            }
            questions.push(question);
        }
        match questions.len() > MAX_QUESTIONS {
            true => Err(format!("there are at most {MAX_QUESTIONS} questions")),
            false => Ok(Self(questions)),
        }
    }

    /// Reads the questions of a drop from the store.
    ///
    /// # Errors
    /// When the text is none that [`Self::to_json`] wrote.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(Self)
    }

    /// Returns the questions as the store keeps them.
    ///
    /// # Errors
    /// Never: texts are JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.0)
    }

    /// Returns the questions.
    #[must_use]
    pub fn all(&self) -> &[Question] {
        &self.0
    }

    /// Returns whether there is a question with a key.
    #[must_use]
    pub fn ask_for(&self, key: &str) -> bool {
        self.0.iter().any(|question| question.key == key)
    }

    /// Checks the answers of a guest. Those to other questions are left out.
    ///
    /// # Errors
    /// [`AnswerRefusal`] of the first answer that is missing or cannot be used.
    pub fn check(
        &self,
        answers: &std::collections::BTreeMap<String, String>,
    ) -> Result<Vec<(String, String)>, AnswerRefusal> {
        let mut checked = Vec::new();
        for Question { key, required, .. } in &self.0 {
            let answer = answers.get(key).map(|answer| answer.trim()).unwrap_or_default();
            match answer {
                "" if *required => return Err(AnswerRefusal::Missing(key.clone())),
                "" => {}
                answer if !is_answer(key, answer) => {
                    return Err(AnswerRefusal::Unusable(key.clone()));
                }
                answer => checked.push((key.clone(), answer.to_owned())),
            }
        }
        Ok(checked)
    }
}

fn is_answer(key: &str, answer: &str) -> bool {
    let has_controls = answer.chars().any(|character| match character {
        '\n' | '\r' | '\t' => key != "message",
        character => character.is_control(),
    });
    answer.len() <= MAX_ANSWER && !has_controls && (key != "email" || is_address(answer))
}

/// Whether a text may be an e-mail address: only a mail could tell whether it is one.
fn is_address(text: &str) -> bool {
    let Some((user, host)) = text.rsplit_once('@') else { return false };
    !user.is_empty()
        && host.split('.').all(|label| !label.is_empty())
        && !text.chars().any(char::is_whitespace)
}

fn split_outside_quotes(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for character in text.chars() {
        is_quoted ^= character == '"';
        match (character, parts.last_mut()) {
            (',', _) if !is_quoted => parts.push(String::new()),
            (character, Some(part)) => part.push(character),
            (_, None) => {}
        }
    }
    parts
}

fn parse_question(part: &str) -> Result<Question, String> {
    let example = "write questions like `name=required,email,order:\"Order number\"=required`";
    let (part, required) = match part.rsplit_once('=') {
        Some((part, "required")) => (part, true),
        Some((_, other)) if !other.contains('"') => {
            return Err(format!("`{other}` is no rule of a question: {example}"));
        }
        Some(_) | None => (part, false),
    };
    let (key, label) = part.split_once(':').unwrap_or((part, ""));
    let label = label.trim().trim_matches('"');
    let is_part =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(is_part) {
        return Err(format!(
            "`{key}` is no name of a question, which has small letters: {example}"
        ));
    }
    if label.is_empty() && !KNOWN.contains(&key) {
        return Err(format!("the question `{key}` needs a text: `{key}:\"What guests read\"`"));
    }
    if label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        return Err(format!("the text of the question `{key}` has at most {MAX_LABEL} bytes"));
    }
    Ok(Question { key: key.to_owned(), label: label.to_owned(), required })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn questions_are_parsed_and_kept() {
        let text = r#"name=required, email,order:"Order, number"=required"#;
        let questions = Questions::parse(text).unwrap();
        let keys: Vec<_> =
            questions.all().iter().map(|one| (one.key.as_str(), one.required)).collect();
        assert_eq!(keys, [("name", true), ("email", false), ("order", true)]);
        assert_eq!(questions.all()[2].label, "Order, number");
        assert_eq!(Questions::from_json(&questions.to_json().unwrap()).unwrap(), questions);
        assert_eq!(Questions::parse("").unwrap(), Questions::default());
    }

    #[test]
    fn wrong_questions_are_refused_with_an_example() {
        for (text, expected) in [
            ("Name", "small letters"),
            ("order", "needs a text"),
            ("name=optional", "no rule"),
            ("name,name", "twice"),
            (":x", "no name"),
        ] {
            let error = Questions::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn answers_are_checked_one_by_one() {
        let questions = Questions::parse(r#"name=required,email,message,order:"No""#).unwrap();
        let missing = questions.check(&answers(&[("name", "  ")]));
        assert_eq!(missing, Err(AnswerRefusal::Missing("name".to_owned())));
        for (key, value) in
            [("email", "anna"), ("email", "a b@c.d"), ("order", "a\nb"), ("name", "\u{7}")]
        {
            let given = [("name", "Anna"), (key, value)];
            let refused = questions.check(&answers(&given));
            assert_eq!(refused, Err(AnswerRefusal::Unusable(key.to_owned())), "{value:?}");
        }
        let long = "x".repeat(MAX_ANSWER + 1);
        assert!(questions.check(&answers(&[("name", &long)])).is_err());
        let given = [("name", " Anna "), ("message", "a\nb"), ("unasked", "x")];
        let checked = questions.check(&answers(&given)).unwrap();
        assert_eq!(
            checked,
            [("name".to_owned(), "Anna".to_owned()), ("message".to_owned(), "a\nb".to_owned())]
        );
    }
}
