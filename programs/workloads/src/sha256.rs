//! SHA-256: in the zkVM, by its instruction.

use std::borrow::Cow;

use ivm_guest::sha256;

use crate::data::{Digest, Generator};

/// Short messages are shorter than this: up to three blocks.
const SHORT_SIZE_LIMIT_BYTES: usize = 192;

pub(crate) fn of_one_message(size_bytes: u32, data: &[u8]) -> u64 {
    let message =
        if data.is_empty() { Cow::Owned(vec![0; size_bytes as usize]) } else { Cow::Borrowed(data) };
    let hash = sha256(&message);
    hash.as_chunks::<8>().0.first().map_or(0, |first| u64::from_le_bytes(*first))
}

pub(crate) fn of_short_messages(count: u32) -> u64 {
    let mut generator = Generator::new();
    let text: Vec<u8> = (0..SHORT_SIZE_LIMIT_BYTES + 4).map(|_| generator.next() as u8).collect();
    let mut digest = Digest::new();
    for index in 0..count as usize {
        let start = index & 3;
        let hash = sha256(&text[start..start + index % SHORT_SIZE_LIMIT_BYTES]);
        hash.as_chunks::<4>().0.iter().for_each(|word| digest.add(u32::from_le_bytes(*word)));
    }
    digest.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_is_hashed() {
        // SHA-256 of "abc", and of a million zero bytes.
        assert_eq!(
            of_one_message(0, b"abc"),
            u64::from_le_bytes([0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea])
        );
        let of_zeros = u64::from_le_bytes([0xd2, 0x97, 0x51, 0xf2, 0x64, 0x9b, 0x32, 0xff]);
        assert_eq!(of_one_message(1_000_000, b""), of_zeros);
    }
}
