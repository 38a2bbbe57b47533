//! Deliveries in one SQLite file.
