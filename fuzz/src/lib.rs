//! Attacks on the crate's public interface, each a function of the bytes that a fuzzer invents.
//!
//! An attack builds a table and settings from the bytes, lets the crate make batches of them, and compares with an oracle
//! that is written from the specification, slow and obvious. Files that were changed have no oracle: what comes of them is
//! an error, or rows of the table. A new attack is a function here, a file of three lines in
//! `fuzz_targets/`, a `[[bin]]` in `Cargo.toml` and a folder in `corpus/`.

mod bytes;
mod codes;
mod compare;
mod dealt;
mod drawn;
mod edits;
mod files;
mod oracle;
mod table;
mod xxh64;

pub use codes::codes;
pub use dealt::dealt;
pub use drawn::drawn;
pub use files::files;

#[cfg(test)]
mod tests;
