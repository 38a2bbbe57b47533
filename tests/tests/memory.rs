//! The memory backend against the suite; it is also the model that the others are compared with.

signals_conformance::conformance!(signals_conformance::model::Model);
