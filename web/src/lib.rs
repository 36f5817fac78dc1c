//! The page's program.
