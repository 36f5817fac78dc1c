//! Reads JSON.

use std::{borrow::Cow, fmt};

use serde::{
    de::{
        self, Deserialize, DeserializeSeed, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor, value::U64Deserializer,
    },
    forward_to_deserialize_any,
};

use super::Malformed;

/// The deepest nesting of an ignored member, as in serde_json.
const MAX_DEPTH: u32 = 128;

/// Reads a value.
///
/// # Errors
/// [`Malformed`] when the text is not JSON, or its value is not a `T`.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Malformed> {
    let mut reader = Reader { text, at: 0 };
    let value = T::deserialize(&mut reader)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(Malformed),
    }
}

/// Implements all constructors, so that no unused message is formatted.
impl de::Error for Malformed {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}

/// A text and the read position.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Returns the next byte.
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Returns the next byte after white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Reads this byte, after white space.
    fn accept(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.accept(byte) { Ok(()) } else { Err(Malformed) }
    }

    /// Reads this literal.
    fn word(&mut self, word: &str) -> Result<(), Malformed> {
        let here = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        self.at += word.len();
        if here { Ok(()) } else { Err(Malformed) }
    }

    /// Returns whether another element or member follows. Reads the comma before it, or else the
    /// closing bracket.
    fn another(&mut self, first: &mut bool, close: u8) -> Result<bool, Malformed> {
        let first = std::mem::take(first);
        if self.accept(close) {
            return Ok(false);
        }
        if !first {
            self.expect(b',')?;
        }
        Ok(true)
    }

    fn boolean(&mut self) -> Result<bool, Malformed> {
        let value = self.peek() == Some(b't');
        self.word(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// Reads an integer: its sign and its amount.
    fn integer(&mut self) -> Result<(bool, u64), Malformed> {
        let negative = self.accept(b'-');
        let first = self.at;
        let mut amount = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.byte() {
            amount = amount
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(u64::from(digit - b'0')))
                .ok_or(Malformed)?;
            self.at += 1;
        }
        let digits = self.text.get(first..self.at).unwrap_or_default();
        let leads_with_zero = digits.len() > 1 && digits.starts_with('0');
        if digits.is_empty() || leads_with_zero { Err(Malformed) } else { Ok((negative, amount)) }
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let first = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at > first { Ok(()) } else { Err(Malformed) }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.expect(b'"')?;
        let plain = self.plain()?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut whole = plain.to_owned();
        loop {
            let byte = self.byte();
            self.at += 1;
            match byte {
                Some(b'"') => return Ok(Cow::Owned(whole)),
                Some(b'\\') => whole.push(self.escaped()?),
                _ => return Err(Malformed),
            }
            whole.push_str(self.plain()?);
        }
    }

    /// Reads unescaped characters up to a quotation mark or a backslash.
    fn plain(&mut self) -> Result<&'a str, Malformed> {
        let first = self.at;
        loop {
            match self.byte() {
                None | Some(0..0x20) => return Err(Malformed),
                Some(b'"' | b'\\') => return self.text.get(first..self.at).ok_or(Malformed),
                Some(_) => self.at += 1,
            }
        }
    }

    /// Reads an escape sequence after its backslash.
    fn escaped(&mut self) -> Result<char, Malformed> {
        let letter = self.byte().ok_or(Malformed)?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.numbered(),
            _ => return Err(Malformed),
        })
    }

    /// Reads a character by its number: two numbers for a surrogate pair.
    fn numbered(&mut self) -> Result<char, Malformed> {
        let unit = self.unit()?;
        let number = match unit {
            0xd800..=0xdbff => {
                self.word("\\u")?;
                let low = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400);
                0x1_0000 + ((unit - 0xd800) << 10) + low.ok_or(Malformed)?
            }
            unit => unit,
        };
        char::from_u32(number).ok_or(Malformed)
    }

    /// Reads four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Malformed> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit << 4 | digit.ok_or(Malformed)?;
            self.at += 1;
        }
        Ok(unit)
    }

    /// Reads and ignores a value.
    fn skip(&mut self, depth: u32) -> Result<(), Malformed> {
        let deeper = depth.checked_sub(1).ok_or(Malformed)?;
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'n') => self.word("null"),
            Some(b't' | b'f') => self.boolean().map(drop),
            Some(b'[') => self.skip_inside(b']', deeper),
            Some(b'{') => self.skip_inside(b'}', deeper),
            _ => self.skip_number(),
        }
    }

    fn skip_inside(&mut self, close: u8, depth: u32) -> Result<(), Malformed> {
        self.at += 1;
        let mut first = true;
        while self.another(&mut first, close)? {
            if close == b'}' {
                self.string()?;
                self.expect(b':')?;
            }
            self.skip(depth)?;
        }
        Ok(())
    }

    fn skip_number(&mut self) -> Result<(), Malformed> {
        self.accept(b'-');
        let leads_with_zero = self.byte() == Some(b'0');
        let first = self.at;
        self.digits()?;
        if leads_with_zero && self.at > first + 1 {
            return Err(Malformed);
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Malformed;

    /// Not supported: see the limits of [`crate::json`].
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Malformed> {
        Err(Malformed)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_bool(self.boolean()?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.integer()? {
            (false, amount) => visitor.visit_u64(amount),
            (true, amount) => {
                visitor.visit_i64(0_i64.checked_sub_unsigned(amount).ok_or(Malformed)?)
            }
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.integer()? {
            (false, amount) => visitor.visit_u64(amount),
            (true, _) => Err(Malformed),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_str(&self.string()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        if self.peek() == Some(b'n') {
            self.word("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.expect(b'[')?;
        visitor.visit_seq(Inside { reader: self, first: true })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.expect(b'{')?;
        visitor.visit_map(Inside { reader: self, first: true })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        visitor.visit_enum(Name { reader: self, variants })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.skip(MAX_DEPTH)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

/// Reads elements or members up to the closing bracket.
struct Inside<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
}

impl<'de> SeqAccess<'de> for Inside<'_, 'de> {
    type Error = Malformed;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Malformed> {
        if !self.reader.another(&mut self.first, b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> MapAccess<'de> for Inside<'_, 'de> {
    type Error = Malformed;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Malformed> {
        if !self.reader.another(&mut self.first, b'}')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Malformed> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// Reads the name of a unit variant.
struct Name<'r, 'de> {
    reader: &'r mut Reader<'de>,
    variants: &'static [&'static str],
}

impl<'de> EnumAccess<'de> for Name<'_, 'de> {
    type Error = Malformed;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Malformed> {
        let name = self.reader.string()?;
        // serde's code gets the index: otherwise it compares texts in the code of each type.
        let index = (0..).zip(self.variants).find(|(_, variant)| **variant == name);
        let index = index.map_or(u64::MAX, |(index, _)| index);
        Ok((seed.deserialize(U64Deserializer::<Malformed>::new(index))?, self))
    }
}

impl<'de> VariantAccess<'de> for Name<'_, 'de> {
    type Error = Malformed;

    fn unit_variant(self) -> Result<(), Malformed> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Malformed> {
        Err(Malformed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Malformed> {
        Err(Malformed)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Malformed> {
        Err(Malformed)
    }
}
