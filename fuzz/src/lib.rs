//! Attacks on the crate's public interface, each a function of the bytes that a fuzzer invents.
//!
//! An attack builds a table and settings from the bytes, lets the crate make batches of them, and compares with an oracle
//! that is written from the specification, slow and obvious. A new attack is a function here, a file of three lines in
//! `fuzz_targets/`, a `[[bin]]` in `Cargo.toml` and a folder in `corpus/`.

mod bytes;
mod codes;
mod compare;
mod dealt;
mod drawn;
mod oracle;
mod table;

pub use codes::codes;
pub use dealt::dealt;
pub use drawn::drawn;

#[cfg(test)]
mod tests;
