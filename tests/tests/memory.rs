//! The memory backend against the suite. It is also the model that the others are compared with, which is no proof of
//! itself.

signals_conformance::conformance!(signals_conformance::model::Model, the model itself);
