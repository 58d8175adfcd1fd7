//! An execution block as it is proposed: with its proposer's signature, kept beside the settlement block that orders it.

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use ivm_chain::{ExtraWrite, MAX_BLOCK_SIZE_BYTES};

use crate::NodeError;

/// Bytes of a signature.
const SIGNATURE_SIZE_BYTES: usize = 65;

/// An execution block and its proposer's signature of the header.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Payload {
    /// The block, RLP.
    pub(crate) block: Bytes,
    /// EIP-712 signature of the header.
    pub(crate) signature: Bytes,
}

/// Key of a payload in the settlement chain's private table.
fn key(block_hash: B256) -> Vec<u8> {
    [b"payload/".as_slice(), block_hash.as_slice()].concat()
}

impl Payload {
    pub(crate) fn new(block: &Block<TxEnvelope>, signature: Bytes) -> Self {
        Self { block: alloy_rlp::encode(block).into(), signature }
    }

    /// The payload of a block, from what the settlement chain keeps.
    pub(crate) fn read(settlement: &ivm_chain::Chain, block_hash: B256) -> Result<Option<Self>, NodeError> {
        let Some(bytes) = settlement.extra(&key(block_hash))? else { return Ok(None) };
        let damaged =
            |reason: String| NodeError::Damaged { key: format!("payload of block {block_hash}"), reason };
        let payload = Self::decode(&mut bytes.as_slice()).map_err(|error| damaged(error.to_string()))?;
        let size_bytes = payload.block.len();
        if size_bytes > MAX_BLOCK_SIZE_BYTES || payload.signature.len() != SIGNATURE_SIZE_BYTES {
            return Err(damaged(format!("a block of {size_bytes} bytes")));
        }
        let got = payload.decode_block().map_err(|error| damaged(error.to_string()))?.header.hash_slow();
        if got != block_hash {
            return Err(damaged(format!("it is of block {got}")));
        }
        Ok(Some(payload))
    }

    /// The block.
    pub(crate) fn decode_block(&self) -> Result<Block<TxEnvelope>, alloy_rlp::Error> {
        alloy_rlp::decode_exact(&self.block)
    }

    /// The block's header, RLP.
    pub(crate) fn header(&self) -> Result<(Header, Bytes), alloy_rlp::Error> {
        let header = self.decode_block()?.header;
        let encoded = alloy_rlp::encode(&header).into();
        Ok((header, encoded))
    }

    /// What keeps it.
    pub(crate) fn write(&self, block_hash: B256) -> ExtraWrite {
        ExtraWrite { key: key(block_hash), value: Some(alloy_rlp::encode(self)) }
    }

    /// What forgets the payload of a block.
    pub(crate) fn forget(block_hash: B256) -> ExtraWrite {
        ExtraWrite { key: key(block_hash), value: None }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ivm_chain::{BuildRequest, Chain, ChainConfig, Storage};

    #[test]
    fn what_is_kept_is_checked() {
        let chain = Chain::open(ChainConfig::default(), Storage::Memory).unwrap();
        let built = chain.build_block(BuildRequest::default()).unwrap();
        let (hash, block) = (built.block().hash(), built.block().to_block());
        let payload = Payload::new(&block, vec![7; SIGNATURE_SIZE_BYTES].into());
        let other = B256::repeat_byte(1);
        let mut cut = payload.write(other);
        cut.value = cut.value.map(|value| value[..value.len() - 1].to_vec());
        let writes = vec![
            payload.write(hash),
            ExtraWrite { key: key(B256::ZERO), value: payload.write(hash).value },
            cut,
        ];
        chain.commit(built, writes).unwrap();
        let read = Payload::read(&chain, hash).unwrap().unwrap();
        assert_eq!(read, payload);
        assert_eq!(read.decode_block().unwrap(), block);
        assert_eq!(Payload::read(&chain, B256::repeat_byte(2)).unwrap(), None);
        let error = Payload::read(&chain, B256::ZERO).unwrap_err().to_string();
        assert!(error.contains(&format!("it is of block {hash}")), "{error}");
        assert!(Payload::read(&chain, other).is_err());
    }
}
