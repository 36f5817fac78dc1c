//! Messages as JSON objects whose first member, `type`, names their variant.
//!
//! serde's own derive accepts a `type` at any place. For that it reads every message into a tree
//! first, and compiles each type's code a second time to read from the tree: a quarter of the page's
//! program. With `type` as the first member a message is read in one pass.
//!
//! The names of members and variants are looked up in the lists that serde has of them, and serde's
//! code gets their indexes: otherwise it compares texts in each type's code of its own.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error, IgnoredAny, MapAccess, VariantAccess, Visitor,
        value::{MapAccessDeserializer, U64Deserializer},
    },
    forward_to_deserialize_any,
};

/// The name of the first member.
const TYPE: &str = "type";

/// Defines an enum of messages. It is written in serde's internally tagged form, and read from that
/// form with the tag as the first member.
///
/// The enum's name is repeated as a string, because serde needs it so.
macro_rules! messages {
    ($(#[$about:meta])* pub enum $name:ident = $remote:literal { $($variants:tt)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum $name { $($variants)* }

        const _: () = {
            /// The same variants, from which serde derives the code that reads them.
            #[derive(serde::Deserialize)]
            #[serde(remote = $remote, rename_all = "snake_case")]
            enum Shape { $($variants)* }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    Shape::deserialize($crate::tagged::Tagged(from))
                }
            }
        };
    };
}
pub(crate) use messages;

/// Implements `Deserialize` for structs with `remote = "Self"`, so that they are read from objects
/// only. serde's own derive also reads each of them from an array, with as much code again.
///
/// The page uses it for its own structs too.
#[macro_export]
macro_rules! objects {
    ($($name:ty),+ $(,)?) => { $(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                <$name>::serialize(self, to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <$name>::deserialize($crate::Tagged(from))
            }
        }
    )+ };
}

/// Reads an enum with its variant and its members, or a struct, from one object.
#[doc(hidden)]
pub struct Tagged<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tagged<D> {
    type Error = D::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Object { visitor, variants })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Fields { visitor, fields })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// Visits the object of a struct.
struct Fields<V> {
    visitor: V,
    fields: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Fields<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Indexed { members, fields: self.fields })
    }
}

/// The members of an object, with the indexes of their names.
struct Indexed<A> {
    members: A,
    fields: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Indexed<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let name = Name { names: self.fields, unknown: Unknown::Ignored };
        match self.members.next_key_seed(name)? {
            Some(index) => seed.deserialize(U64Deserializer::new(index)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

/// Reads a name as its index in a list.
struct Name {
    names: &'static [&'static str],
    unknown: Unknown,
}

/// What becomes of a name that is not in the list.
enum Unknown {
    /// serde ignores an index beyond the list.
    Ignored,
    /// It is the name of no variant.
    Refused,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<u64, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<u64, E> {
        match (0..).zip(self.names).find(|(_, known)| **known == name) {
            Some((index, _)) => Ok(index),
            None => match self.unknown {
                Unknown::Ignored => Ok(u64::MAX),
                Unknown::Refused => Err(E::unknown_variant(name, self.names)),
            },
        }
    }
}

/// Visits the object of an enum.
struct Object<V> {
    visitor: V,
    variants: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose first member is `type`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<V::Value, A::Error> {
        match members.next_key::<String>()? {
            Some(first) if first == TYPE => {
                self.visitor.visit_enum(Members { members, variants: self.variants })
            }
            Some(_) | None => Err(A::Error::custom("the first member is not `type`")),
        }
    }
}

/// The members from the value of `type` on.
struct Members<A> {
    members: A,
    variants: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Members<A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        mut self,
        seed: V,
    ) -> Result<(V::Value, Self), A::Error> {
        let name = Name { names: self.variants, unknown: Unknown::Refused };
        let index = self.members.next_value_seed(name)?;
        Ok((seed.deserialize(U64Deserializer::new(index))?, self))
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Members<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        while self.members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        seed.deserialize(MapAccessDeserializer::new(self.members))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.members)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(Indexed { members: self.members, fields })
    }
}

#[cfg(test)]
mod tests {
    use crate::{ClientMessage, ServerMessage, UploadId};

    fn read(text: &str) -> Result<ServerMessage, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_of_variant_is_read() {
        assert_eq!(read(r#"{"type":"pong"}"#), Ok(ServerMessage::Pong));
        assert_eq!(
            read(r#"{"type":"verifying","upload":3}"#),
            Ok(ServerMessage::Verifying { upload: UploadId(3) })
        );
        let offer = r#"{"type":"offer","upload":7,"path":"a","size":5,"on_conflict":"ask"}"#;
        let message: ClientMessage = serde_json::from_str(offer).unwrap();
        assert!(matches!(&message, ClientMessage::Offer(offer) if offer.size == 5));
        assert_eq!(serde_json::to_string(&message).unwrap(), offer);
    }

    #[test]
    fn unknown_members_are_ignored() {
        assert_eq!(read(r#"{"type":"pong","later":{"a":[1,2.5,null]}}"#), Ok(ServerMessage::Pong));
        assert_eq!(
            read(r#"{"type":"ack","later":[{}],"messages":9}"#),
            Ok(ServerMessage::Ack { messages: 9 })
        );
    }

    #[test]
    fn type_that_is_not_the_first_member_is_an_error() {
        for text in [r#"{"upload":3,"type":"verifying"}"#, "{}"] {
            assert!(read(text).unwrap_err().contains("first member"), "{text}");
        }
    }

    #[test]
    fn other_json_than_an_object_is_no_message() {
        for text in [r#""pong""#, "null", "[]", "7", r#"{"type":7}"#, r#"{"type":"pong""#] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn struct_is_not_read_from_an_array() {
        assert!(read(r#"{"type":"conflict","upload":3,"existing":{"size":5}}"#).is_ok());
        assert!(read(r#"{"type":"conflict","upload":3,"existing":[5,null]}"#).is_err());
    }

    #[test]
    fn missing_member_is_named() {
        assert!(read(r#"{"type":"verifying"}"#).unwrap_err().contains("upload"));
    }
}
