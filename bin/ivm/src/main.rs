//! The `ivm` binary.

fn main() {}
