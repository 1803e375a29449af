//! Building blocks of the structs that objects are read into: as lenient as Kubernetes' own clients
//! (`null` is absent, unknown fields are skipped) and without a copy where JSON allows it.
//!
//! `Cow` alone would copy every string: serde borrows it only outside of options, lists and maps.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// A string, borrowed unless it is escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor)
    }
}

/// A quantity as it is written. The API server always writes a string; people also write numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Amount<'a>(Text<'a>);

impl Deref for Amount<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Amount<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor).map(Self)
    }
}

/// Takes numbers too: of a JSON deserializer asked for a string it never gets one.
struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    /// Only back into the digits it was written with; nothing is computed.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }
}

/// For `deserialize_with`: `null` is the default.
pub(super) fn null<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A list; `null` is an empty one, and a `null` in it an empty element.
#[derive(Debug, Clone)]
pub(super) struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let list: Option<Vec<Option<T>>> = Option::deserialize(from)?;
        let list = list.unwrap_or_default().into_iter();
        Ok(Self(list.map(Option::unwrap_or_default).collect()))
    }
}

/// Which keys of a map are worth keeping.
pub(super) trait Keep {
    /// Whether `key` is.
    fn keep(key: &str) -> bool;
}

/// All keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Everything;

impl Keep for Everything {
    fn keep(_: &str) -> bool {
        true
    }
}

/// A small map in the order written; `null` is an empty one. Of a key that is there twice the last
/// value counts, as in Go.
#[derive(Debug, Clone)]
pub(super) struct Map<'a, V, K = Everything> {
    pairs: Vec<(Text<'a>, V)>,
    kept: PhantomData<K>,
}

/// Names and quantities: requests, limits, capacity.
pub(super) type Amounts<'a> = Map<'a, Amount<'a>>;

impl<V, K> Default for Map<'_, V, K> {
    fn default() -> Self {
        Self {
            pairs: Vec::new(),
            kept: PhantomData,
        }
    }
}

impl<V, K> Map<'_, V, K> {
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.pairs.iter().map(|(key, value)| (&**key, value))
    }

    pub(super) fn get(&self, key: &str) -> Option<&V> {
        let found = self.pairs.iter().rev().find(|(have, _)| &**have == key);
        found.map(|(_, value)| value)
    }
}

impl<'de: 'a, 'a, V, K> Deserialize<'de> for Map<'a, V, K>
where
    V: Deserialize<'de> + Default,
    K: Keep,
{
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_option(MapVisitor(PhantomData))
    }
}

struct MapVisitor<'a, V, K>(PhantomData<(&'a (), V, K)>);

impl<'de: 'a, 'a, V, K> Visitor<'de> for MapVisitor<'a, V, K>
where
    V: Deserialize<'de> + Default,
    K: Keep,
{
    type Value = Map<'a, V, K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Map::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Map::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut map = Map::default();
        while let Some(key) = from.next_key::<Text<'a>>()? {
            if K::keep(&key) {
                let value: Option<V> = from.next_value()?;
                map.pairs.push((key, value.unwrap_or_default()));
            } else {
                from.next_value::<IgnoredAny>()?;
            }
        }
        Ok(map)
    }
}

/// That a field is there and not `null`; its content is skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct There(bool);

impl There {
    pub(super) fn yes(self) -> bool {
        self.0
    }
}

impl<'de> Deserialize<'de> for There {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let there: Option<IgnoredAny> = Option::deserialize(from)?;
        Ok(Self(there.is_some()))
    }
}
