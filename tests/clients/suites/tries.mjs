// What a light client checks: proofs against a state root, lists against the roots of a header.
import { MerklePatriciaTrie, verifyMerkleProof } from "@ethereumjs/mpt";
import { concatHex, fromRlp, hexToBytes, numberToHex, toHex, toRlp } from "viem";

/** What the proof shows at this key of the trie; null where it shows that there is nothing. Rejects if it is wrong. */
async function shown(root, key, proof) {
  const options = { root: hexToBytes(root), useKeyHashing: true };
  const found = await verifyMerkleProof(hexToBytes(key), proof.map((node) => hexToBytes(node)), options);
  return found === null ? null : fromRlp(found);
}

const quantity = (hex) => (hex === "0x" ? 0n : BigInt(hex));

/** The account that an answer of eth_getProof proves. */
export async function provenAccount(stateRoot, { address, accountProof }) {
  const account = await shown(stateRoot, address, accountProof);
  if (account === null) return null;
  const [nonce, balance, storageHash, codeHash] = account;
  return { nonce: Number(quantity(nonce)), balance: quantity(balance), storageHash, codeHash };
}

/** The value of a slot that it proves. */
export async function provenSlot(storageHash, { key, proof }) {
  const value = await shown(storageHash, `0x${BigInt(key).toString(16).padStart(64, "0")}`, proof);
  return value === null ? 0n : quantity(value);
}

/** The root of a header for a list of transactions or receipts, encoded. */
export async function rootOfList(encoded) {
  const trie = new MerklePatriciaTrie();
  for (const [index, item] of encoded.entries()) {
    const key = toRlp(index === 0 ? "0x" : numberToHex(index), "bytes");
    await trie.put(key, hexToBytes(item));
  }
  return toHex(trie.root());
}

/** A receipt as it is hashed (EIP-2718), from the node's JSON. */
export function encodedReceipt({ type, status, cumulativeGasUsed, logsBloom, logs }) {
  const number = (hex) => (BigInt(hex) === 0n ? "0x" : hex);
  const fields = logs.map(({ address, topics, data }) => [address, topics, data]);
  const encoded = toRlp([number(status), number(cumulativeGasUsed), logsBloom, fields]);
  return BigInt(type) === 0n ? encoded : concatHex([numberToHex(BigInt(type), { size: 1 }), encoded]);
}
