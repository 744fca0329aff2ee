//! The core as a program that uses the crate meets it, without Python.

mod answers;
mod columns;
mod dealt;
mod index;
mod index_files;
mod known_answers;
mod properties;
mod refusals;
