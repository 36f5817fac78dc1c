//! The mask of a client's frame (RFC 6455 §5.3).

/// The mask of the next bytes of a frame's payload.
#[derive(Clone, Copy, Debug)]
pub struct Mask([u8; 4]);

impl Mask {
    /// Creates the mask from the key in a frame's header.
    #[must_use]
    pub fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Unmasks the next bytes.
    pub fn unmask(&mut self, bytes: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, rest) = bytes.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.into_iter().cycle()) {
            *byte ^= key;
        }
        let over = rest.len() % size_of::<[u8; 4]>();
        self.0.rotate_left(over);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn payload_is_unmasked_wherever_it_is_cut(
            key: [u8; 4],
            payload in prop::collection::vec(any::<u8>(), 0..100),
            cuts in prop::collection::vec(0..20_usize, 0..10),
        ) {
            let mut masked = payload.clone();
            for (byte, key) in masked.iter_mut().zip(key.iter().cycle()) {
                *byte ^= key;
            }
            let mut mask = Mask::new(key);
            let mut rest = masked.as_mut_slice();
            for cut in cuts {
                let (head, tail) = rest.split_at_mut(cut.min(rest.len()));
                mask.unmask(head);
                rest = tail;
            }
            mask.unmask(rest);
            prop_assert_eq!(masked, payload);
        }
    }
}
