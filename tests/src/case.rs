//! What a case is, and the macro that makes of the list in `list.rs` the cases to be run by hand and `conformance!`.

use std::fmt;

/// One case of the suite, for a harness that was chosen already.
#[derive(Clone, Copy)]
pub struct Case {
    /// `module::promise_what_it_says`.
    pub name: &'static str,
    pub(crate) run: fn(),
}

impl Case {
    /// Runs it against an empty database of its own, on a runtime of its own.
    ///
    /// # Panics
    ///
    /// Panics when the case fails.
    pub fn run(&self) {
        (self.run)();
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// Makes the list and `conformance!` from one text. `$d` is a dollar sign, for the macro inside.
macro_rules! cases {
    (
        ($d:tt) $($module:ident { $($case:ident,)* })*
        ; of two transactions that write at once: $($writing:ident { $($race:ident,)* })*
        ; compared with the model: $($compared:ident { $($history:ident,)* })*
    ) => {
        /// The name of every case: `module::promise_what_it_says`.
        pub const CASES: &[&str] = &[
            $($(concat!(stringify!($module), "::", stringify!($case)),)*)*
            $($(concat!(stringify!($writing), "::", stringify!($race)),)*)*
            $($(concat!(stringify!($compared), "::", stringify!($history)),)*)*
        ];

        /// Every case for one harness, in the order of [`CASES`]: for whoever runs the suite otherwise than as tests, such
        /// as a backend that is wrong on purpose.
        ///
        /// ```
        /// use signals_conformance::{cases, model::Model};
        ///
        /// let claims = cases::<Model>().into_iter().filter(|case| case.name.starts_with("claim::t2_"));
        /// claims.for_each(|case| case.run());
        /// ```
        pub fn cases<H: Harness>() -> Vec<Case> {
            vec![
                $($(Case {
                    name: concat!(stringify!($module), "::", stringify!($case)),
                    run: || crate::run::<H, _>(crate::$module::$case),
                },)*)*
                $($(Case {
                    name: concat!(stringify!($writing), "::", stringify!($race)),
                    run: || crate::run::<H, _>(crate::$writing::$race),
                },)*)*
                $($(Case {
                    name: concat!(stringify!($compared), "::", stringify!($history)),
                    run: || crate::run::<H, _>(crate::$compared::$history),
                },)*)*
            ]
        }

        /// Makes one test of every case, for a type that implements [`Harness`](crate::Harness): `claim::t2_…`, in one
        /// module for each module of the suite, so that a promise can be put to the test alone
        /// (`cargo test --test mine i14_`).
        ///
        /// Write it once in a file of `tests/`, at the top level: the modules see what the file has imported, and need
        /// nothing but this crate. Tests of the backend's own may stand beside it.
        ///
        /// What does not apply to a backend is said where it is put to the suite, and is seen in the report:
        ///
        /// - `conformance!(Mine, one writer)`: a second transaction waits for the first to end, so nobody can be between
        ///   two that write at once. The tests of those cases are called `not_applicable::…`, and prove that the store's
        ///   capabilities say so.
        /// - `conformance!(Model, the model itself)`: is spared the cases that compare a backend with it.
        #[macro_export]
        macro_rules! conformance {
            ($d harness:ty) => {
                $d crate::conformance!(@every $d harness);
                $d crate::conformance!(@two writers $d harness);
                $d crate::conformance!(@compared $d harness);
            };
            ($d harness:ty, one writer) => {
                $d crate::conformance!(@every $d harness);
                $d crate::conformance!(@compared $d harness);
                mod not_applicable {
                    $(mod $writing {
                        #[allow(unused_imports)]
                        use super::super::*;
                        $(
                            #[test]
                            fn $race() {
                                $d crate::run::<$d harness, _>($d crate::harness::has_one_writer);
                            }
                        )*
                    })*
                }
            };
            ($d harness:ty, the model itself) => {
                $d crate::conformance!(@every $d harness);
                $d crate::conformance!(@two writers $d harness);
            };
            (@every $d harness:ty) => {
                $(mod $module {
                    #[allow(unused_imports)]
                    use super::*;
                    $(
                        #[test]
                        fn $case() {
                            $d crate::run::<$d harness, _>($d crate::$module::$case);
                        }
                    )*
                })*
            };
            (@two writers $d harness:ty) => {
                mod two_writers {
                    $(mod $writing {
                        #[allow(unused_imports)]
                        use super::super::*;
                        $(
                            #[test]
                            fn $race() {
                                $d crate::run::<$d harness, _>($d crate::$writing::$race);
                            }
                        )*
                    })*
                }
            };
            (@compared $d harness:ty) => {
                $(mod $compared {
                    #[allow(unused_imports)]
                    use super::*;
                    $(
                        #[test]
                        fn $history() {
                            $d crate::run::<$d harness, _>($d crate::$compared::$history);
                        }
                    )*
                })*
            };
        }
    };
}

pub(crate) use cases;
