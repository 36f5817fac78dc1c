//! The page's assets.
