//! User names and passwords. The password is sent to the server and shown nowhere.

use std::fmt;

use zeroize::Zeroizing;

use crate::path::{ForbiddenByte, refuse_forbidden};

/// What is shown in place of a password.
pub(crate) const ASTERISKS: &str = "********";

/// A user name and its password.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The argument of `USER`.
    pub username: Username,
    /// The argument of `PASS`.
    pub password: Password,
}

impl Credentials {
    /// Whether both are ASCII: then every server reads them alike, whatever its character set.
    pub(crate) fn is_ascii(&self) -> bool {
        self.username.0.is_ascii() && self.password.0.is_ascii()
    }
}

/// A user name that fits into a command: no CR, LF or NUL, and not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Checks a user name.
    ///
    /// # Errors
    /// [`ForbiddenByte`] when it cannot be an argument of a command.
    pub fn new(name: impl Into<String>) -> Result<Self, ForbiddenByte> {
        let name = name.into();
        if name.is_empty() {
            return Err(ForbiddenByte::Empty);
        }
        refuse_forbidden(name.as_bytes())?;
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A password that fits into a command: no CR, LF or NUL. It may be empty.
///
/// It is overwritten when dropped, and never part of any `Debug` or `Display`, nor is its length.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Checks a password.
    ///
    /// # Errors
    /// [`ForbiddenByte`] when it cannot be an argument of a command; the secret is overwritten.
    pub fn new(secret: impl Into<String>) -> Result<Self, ForbiddenByte> {
        let secret = Zeroizing::new(secret.into());
        // The offset would reveal something about the secret.
        refuse_forbidden(secret.as_bytes()).map_err(|_| ForbiddenByte::InSecret)?;
        Ok(Self(secret))
    }

    /// Replaces the password by asterisks in a text of a server, which may repeat it.
    #[must_use]
    pub fn hidden_in(&self, text: &str) -> String {
        match self.0.as_str() {
            "" => text.to_owned(),
            secret => text.replace(secret, ASTERISKS),
        }
    }

    /// The secret, only for a proxy's protocol.
    pub(crate) fn expose_for_proxy(&self) -> &str {
        &self.0
    }

    /// The secret, only for the control connection.
    pub(crate) fn expose_for_wire(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ASTERISKS)
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ASTERISKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_nul_are_refused() {
        for bad in ["a\rb", "a\nb", "a\0b"] {
            assert!(Username::new(bad).is_err());
            assert_eq!(Password::new(bad).err(), Some(ForbiddenByte::InSecret));
        }
        assert!(Username::new("").is_err());
        assert!(Password::new("").is_ok());
    }

    #[test]
    fn password_shows_asterisks_whatever_its_length() {
        for secret in ["", "x", "correct horse battery staple"] {
            let password = Password::new(secret).unwrap();
            assert_eq!(format!("{password} {password:?}"), "******** ********");
        }
    }
}
