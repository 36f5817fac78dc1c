//! Whether the content of a file is a program under the name of something else.

/// The first bytes of a file, in which a program shows itself.
pub const HEAD_BYTES: usize = 64;

/// Programs, by their first bytes and the endings that they may have. An empty ending is that of a name
/// without one.
const PROGRAMS: &[(&[u8], &[&str])] = &[
    // ELF.
    (b"\x7fELF", &["", "elf", "so", "o", "ko", "bin", "run", "appimage"]),
    // PE and DOS.
    (b"MZ", &["exe", "dll", "sys", "ocx", "scr", "com", "msi", "cpl", "efi", "drv"]),
    // Mach-O, in both orders of bytes, for 32 and 64 bits.
    (b"\xfe\xed\xfa\xce", &["", "dylib", "bundle", "o", "bin"]),
    (b"\xfe\xed\xfa\xcf", &["", "dylib", "bundle", "o", "bin"]),
    (b"\xce\xfa\xed\xfe", &["", "dylib", "bundle", "o", "bin"]),
    (b"\xcf\xfa\xed\xfe", &["", "dylib", "bundle", "o", "bin"]),
    // Java classes, and Mach-O for several processors.
    (b"\xca\xfe\xba\xbe", &["class", "", "dylib", "bundle", "bin"]),
    // Scripts.
    (
        b"#!",
        &[
            "", "sh", "bash", "py", "pl", "rb", "js", "mjs", "ps1", "awk", "lua", "tcl", "command",
            "run",
        ],
    ),
];

/// The first bytes of a file, as they arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head(Vec<u8>);

impl Head {
    /// Adds the bytes at an offset, which may overlap with those that are known.
    pub fn add(&mut self, offset: u64, bytes: &[u8]) {
        let known = self.0.len();
        let Ok(offset) = usize::try_from(offset) else { return };
        let Some(skipped) = known.checked_sub(offset) else { return };
        let new = bytes.iter().skip(skipped);
        self.0.extend(new.take(HEAD_BYTES - known));
    }

    /// Returns whether the bytes are a program under an ending that is not one of a program.
    #[must_use]
    pub fn is_disguised_program(&self, name: &str) -> bool {
        let ending = match name.rsplit_once('.') {
            Some((_, ending)) => ending.to_lowercase(),
            None => String::new(),
        };
        let program = PROGRAMS.iter().find(|(magic, _)| self.0.starts_with(magic));
        program.is_some_and(|(_, endings)| !endings.contains(&ending.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(bytes: &[u8], name: &str) -> bool {
        let mut head = Head::default();
        head.add(0, bytes);
        head.is_disguised_program(name)
    }

    #[test]
    fn a_program_under_another_ending_is_found() {
        for (bytes, name) in [
            (&b"\x7fELF\x02\x01\x01"[..], "invoice.pdf"),
            (b"MZ\x90\x00", "photo.JPG"),
            (b"MZ\x90\x00", "photo"),
            (b"\xcf\xfa\xed\xfe\x07", "a.docx"),
            (b"\xca\xfe\xba\xbe\x00", "a.png"),
            (b"#!/bin/sh\n", "readme.txt"),
        ] {
            assert!(is_refused(bytes, name), "{name}");
        }
        for (bytes, name) in [
            (&b"%PDF-1.7"[..], "invoice.pdf"),
            (b"MZ\x90\x00", "Setup.EXE"),
            (b"\x7fELF", "tool"),
            (b"#!/bin/sh\n", "run.sh"),
            (b"\xff\xd8\xff", "photo.jpg"),
            (b"", "empty.txt"),
            (b"M", "a.txt"),
        ] {
            assert!(!is_refused(bytes, name), "{name}");
        }
    }

    #[test]
    fn bytes_that_arrive_one_by_one_or_again_are_put_together() {
        let mut head = Head::default();
        head.add(0, b"M");
        head.add(0, b"MZ");
        head.add(1, b"Z\x90");
        head.add(100, b"far away");
        assert_eq!(head, Head(b"MZ\x90".to_vec()));
        head.add(3, &[7; 1000]);
        assert_eq!(head.0.len(), HEAD_BYTES);
    }
}
