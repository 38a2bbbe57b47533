//! Nothing: the cases are in `pass` and `fail`, and `tests/ui.rs` compiles them.
