//! A serializer around another that refuses what JSON cannot say and what is too deep to be read again.
//!
//! Everything else is passed on. The compound serializers count the depth on the way in and out.

use std::cell::Cell;
use std::fmt::Display;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{MAX_DEPTH, PayloadError};

/// The name under which `serde_json::value::RawValue` serializes itself.
const RAW: &str = "$serde_json::private::RawValue";

/// What one encoding has seen.
#[derive(Default)]
pub(super) struct Watch {
    depth: Cell<usize>,
    not_finite: Cell<bool>,
    too_deep: Cell<bool>,
    raw: Cell<bool>,
}

impl Watch {
    pub(super) fn saw_raw(&self) -> bool {
        self.raw.get()
    }

    pub(super) fn refused(&self) -> Option<PayloadError> {
        match (self.not_finite.get(), self.too_deep.get()) {
            (true, _) => Some(PayloadError::NotFinite),
            (_, true) => Some(PayloadError::TooDeep),
            (false, false) => None,
        }
    }

    /// Goes `levels` deeper for as long as the answer lives.
    fn enter<E: serde::ser::Error>(&self, levels: usize) -> Result<Level<'_>, E> {
        let depth = self.depth.get() + levels;
        if depth > MAX_DEPTH {
            self.too_deep.set(true);
            return Err(E::custom(PayloadError::TooDeep));
        }
        self.depth.set(depth);
        Ok(Level { watch: self, levels })
    }
}

struct Level<'w> {
    watch: &'w Watch,
    levels: usize,
}

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.watch.depth.set(self.watch.depth.get() - self.levels);
    }
}

pub(super) struct Checked<'w, S> {
    inner: S,
    watch: &'w Watch,
}

impl<'w, S> Checked<'w, S> {
    pub(super) fn new(inner: S, watch: &'w Watch) -> Self {
        Self { inner, watch }
    }
}

/// A value whose parts are checked too.
struct Watched<'w, 'v, T: ?Sized> {
    value: &'v T,
    watch: &'w Watch,
}

impl<T: Serialize + ?Sized> Serialize for Watched<'_, '_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Checked::new(serializer, self.watch))
    }
}

/// A compound value that is being written.
pub(super) struct Compound<'w, C> {
    inner: C,
    level: Level<'w>,
}

impl<'w, C> Compound<'w, C> {
    fn watched<'v, T: ?Sized>(&self, value: &'v T) -> Watched<'w, 'v, T> {
        Watched { value, watch: self.level.watch }
    }
}

macro_rules! pass_on {
    ($($method:ident: $ty:ty,)*) => {$(
        fn $method(self, value: $ty) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

impl<'w, S: Serializer> Serializer for Checked<'w, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'w, S::SerializeSeq>;
    type SerializeTuple = Compound<'w, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'w, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'w, S::SerializeTupleVariant>;
    type SerializeMap = Compound<'w, S::SerializeMap>;
    type SerializeStruct = Compound<'w, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'w, S::SerializeStructVariant>;

    pass_on! {
        serialize_bool: bool, serialize_char: char, serialize_str: &str, serialize_unit_struct: &'static str,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.finite(value.is_finite())?;
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.finite(value.is_finite())?;
        self.inner.serialize_f64(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        let _level = self.watch.enter::<S::Error>(1)?;
        self.inner.serialize_bytes(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Watched { value, watch: self.watch })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Watched { value, watch: self.watch })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let _level = self.watch.enter::<S::Error>(1)?;
        self.inner.serialize_newtype_variant(name, index, variant, &Watched { value, watch: self.watch })
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let level = self.watch.enter::<S::Error>(1)?;
        Ok(Compound { inner: self.inner.serialize_seq(len)?, level })
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        let level = self.watch.enter::<S::Error>(1)?;
        Ok(Compound { inner: self.inner.serialize_tuple(len)?, level })
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeTupleStruct, S::Error> {
        let level = self.watch.enter::<S::Error>(1)?;
        Ok(Compound { inner: self.inner.serialize_tuple_struct(name, len)?, level })
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let level = self.watch.enter::<S::Error>(2)?;
        Ok(Compound { inner: self.inner.serialize_tuple_variant(name, index, variant, len)?, level })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let level = self.watch.enter::<S::Error>(1)?;
        Ok(Compound { inner: self.inner.serialize_map(len)?, level })
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        if name == RAW {
            self.watch.raw.set(true);
        }
        let level = self.watch.enter::<S::Error>(1)?;
        Ok(Compound { inner: self.inner.serialize_struct(name, len)?, level })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let level = self.watch.enter::<S::Error>(2)?;
        Ok(Compound { inner: self.inner.serialize_struct_variant(name, index, variant, len)?, level })
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<S: Serializer> Checked<'_, S> {
    fn finite(&self, finite: bool) -> Result<(), S::Error> {
        if finite {
            return Ok(());
        }
        self.watch.not_finite.set(true);
        Err(S::Error::custom(PayloadError::NotFinite))
    }
}

macro_rules! compound {
    ($($trait:ident: $method:ident($($key:ident)?);)*) => {$(
        impl<C: $trait> $trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($key: &'static str,)? value: &T) -> Result<(), C::Error> {
                let value = self.watched(value);
                self.inner.$method($($key,)? &value)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

compound! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(key);
    SerializeStructVariant: serialize_field(key);
}

impl<C: SerializeMap> SerializeMap for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    // Keys are passed on unwatched: serde_json accepts only what it can write as a string, and no float that is not finite.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let value = self.watched(value);
        self.inner.serialize_value(&value)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
