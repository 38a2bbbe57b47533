//! Values of every shape that serde knows, and how they are drawn.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any};
use proptest::strategy::Union;
use serde::{Deserialize, Serialize};

use crate::fixtures::Sample;

/// A value whose `Serialize` and `Deserialize` mirror each other, and whose options neither nest nor wrap `()`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Value {
    /// A variant without fields.
    Nothing,
    /// A truth value.
    Bool(bool),
    /// A small integer.
    Byte(i8),
    /// An integer.
    I64(i64),
    /// An integer above `i64::MAX`.
    U64(u64),
    /// An integer that few formats hold.
    I128(i128),
    /// And one more.
    U128(u128),
    /// A float, NaN and infinities included.
    F64(f64),
    /// A short float.
    F32(f32),
    /// A character.
    Char(char),
    /// A text, NUL included.
    Text(String),
    /// Something or not.
    Maybe(Option<Box<Value>>),
    /// A tuple.
    Pair(Box<Value>, Box<Value>),
    /// A list.
    List(Vec<Value>),
    /// A struct with awkward names.
    Fields {
        /// A name that frameworks like.
        #[serde(rename = "$type")]
        kind: String,
        /// An empty name.
        #[serde(rename = "")]
        unnamed: Box<Value>,
    },
    /// A map by texts.
    ByText(BTreeMap<String, Value>),
    /// A map by numbers.
    ByNumber(BTreeMap<i64, Value>),
    /// A map by truth values.
    ByBool(BTreeMap<bool, Value>),
}

impl Value {
    /// Whether JSON can say it.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        match self {
            Self::F64(value) => value.is_finite(),
            Self::F32(value) => value.is_finite(),
            Self::Maybe(value) => value.as_ref().is_none_or(|value| value.is_finite()),
            Self::Pair(one, other) => one.is_finite() && other.is_finite(),
            Self::List(values) => values.iter().all(Self::is_finite),
            Self::Fields { unnamed, .. } => unnamed.is_finite(),
            Self::ByText(values) => values.values().all(Self::is_finite),
            Self::ByNumber(values) => values.values().all(Self::is_finite),
            Self::ByBool(values) => values.values().all(Self::is_finite),
            Self::Nothing
            | Self::Bool(_)
            | Self::Byte(_)
            | Self::I64(_)
            | Self::U64(_)
            | Self::I128(_)
            | Self::U128(_)
            | Self::Char(_)
            | Self::Text(_) => true,
        }
    }
}

/// Draws a signal with a value in it.
pub(super) fn sample() -> impl Strategy<Value = Sample> {
    let leaf = Union::new(vec![
        Just(Value::Nothing).boxed(),
        any::<bool>().prop_map(Value::Bool).boxed(),
        any::<i8>().prop_map(Value::Byte).boxed(),
        any::<i64>().prop_map(Value::I64).boxed(),
        any::<u64>().prop_map(Value::U64).boxed(),
        any::<i128>().prop_map(Value::I128).boxed(),
        any::<u128>().prop_map(Value::U128).boxed(),
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))).boxed(),
        proptest::num::f64::NORMAL.prop_map(Value::F64).boxed(),
        proptest::num::f32::ANY.prop_map(Value::F32).boxed(),
        proptest::num::f64::ANY.prop_map(Value::F64).boxed(),
        any::<char>().prop_map(Value::Char).boxed(),
        any::<String>().prop_map(Value::Text).boxed(),
        Just(Value::Text("\0\u{1b}\u{7f}\"\\/".to_owned())).boxed(),
    ]);
    leaf.prop_recursive(6, 24, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        Union::new(vec![
            proptest::option::of(boxed()).prop_map(Value::Maybe).boxed(),
            (boxed(), boxed()).prop_map(|(one, other)| Value::Pair(one, other)).boxed(),
            vec(inner.clone(), 0..4).prop_map(Value::List).boxed(),
            (any::<String>(), boxed()).prop_map(|(kind, unnamed)| Value::Fields { kind, unnamed }).boxed(),
            btree_map(any::<String>(), inner.clone(), 0..4).prop_map(Value::ByText).boxed(),
            btree_map(any::<i64>(), inner.clone(), 0..4).prop_map(Value::ByNumber).boxed(),
            btree_map(any::<bool>(), inner.clone(), 0..3).prop_map(Value::ByBool).boxed(),
        ])
    })
    .prop_map(|value| Sample { value })
}
