//! The testing kit: every verb does what it says, every assertion can fail, and says why in words that are kept.

mod shop;
mod words;

mod sends;

mod drains;
mod runs;

mod deliveries;
mod time;

mod crashes;
mod twice;

mod kit;
mod speed;

#[cfg(feature = "sqlite")]
mod sqlite;
