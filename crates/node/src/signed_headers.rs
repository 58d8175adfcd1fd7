//! Headers that proposers signed, as far as the node has heard of any: two for one parent are an equivocation.

use std::collections::VecDeque;

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes};

/// Headers remembered, the newest.
const MAX_SIGNED_HEADERS: usize = 4096;

/// Headers of one height that are remembered: two show what there is to show, a few more are from other proposers.
const MAX_PER_HEIGHT: usize = 16;

/// The newest headers heard of beside those that are ordered.
#[derive(Debug, Default)]
pub(crate) struct SignedHeaders(VecDeque<(B256, Header, Bytes)>);

impl SignedHeaders {
    /// Takes note of a header. False when there are enough of its height.
    pub(crate) fn add(&mut self, header: Header, signature: Bytes) -> bool {
        let hash = header.hash_slow();
        if self.0.iter().any(|(known, ..)| *known == hash) {
            return true;
        }
        if self.at(header.number).count() >= MAX_PER_HEIGHT {
            return false;
        }
        if self.0.len() >= MAX_SIGNED_HEADERS {
            self.0.pop_front();
        }
        self.0.push_back((hash, header, signature));
        true
    }

    /// Those of a height, each with its signature.
    pub(crate) fn at(&self, number: u64) -> impl Iterator<Item = (&Header, &Bytes)> {
        let of_height = self.0.iter().filter(move |(_, header, _)| header.number == number);
        of_height.map(|(_, header, signature)| (header, signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_bounded() {
        let mut headers = SignedHeaders::default();
        let header = |number, gas_used| Header { number, gas_used, ..Default::default() };
        for gas_used in 0..16 {
            assert!(headers.add(header(1, gas_used), Bytes::new()));
        }
        assert!(headers.add(header(1, 3), Bytes::new()), "it is known");
        assert!(!headers.add(header(1, 16), Bytes::new()));
        for number in 2..5000 {
            assert!(headers.add(header(number, 0), Bytes::new()));
        }
        assert_eq!(headers.0.len(), MAX_SIGNED_HEADERS);
        assert_eq!(headers.at(1).count(), 0);
        assert_eq!(headers.at(4999).count(), 1);
    }
}
