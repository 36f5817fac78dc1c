//! The FTPS client.
