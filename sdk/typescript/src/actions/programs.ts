import { bytesToHex, type Hash, type Hex } from "viem";
import { readProgram, readSubmittedProgram } from "../read.js";
import { type AnyClient, call, hexAnswer } from "../rpc.js";
import type { ProgramInfo, SubmittedProgram } from "../types.js";

export type SubmitProgramParameters = {
  /** The ELF. */
  elf: Uint8Array | Hex;
};

/**
 * Has the node admit a program, keep it, and register it on chain. Doing so again is not an error.
 *
 * `registered` says whether a block registered it within the node's time; jobs may name it from then on. This can take more than the 10
 * seconds that viem's transports wait for an answer: give them a longer `timeout`.
 */
export async function submitProgram(client: AnyClient, { elf }: SubmitProgramParameters): Promise<SubmittedProgram> {
  return readSubmittedProgram(await call(client, "ivm_submitProgram", [asHex(elf)]));
}

export type GetProgramParameters = { programId: Hash };

/** A program that the node holds, or `null`. */
export async function getProgram(client: AnyClient, { programId }: GetProgramParameters): Promise<ProgramInfo | null> {
  const answer = await call(client, "ivm_getProgram", [programId]);
  return answer === null ? null : readProgram(answer);
}

export type SubmitPayloadParameters = { payload: Uint8Array | Hex };

/** Has the node keep an offchain input; gives keccak256 of it, by which a job names it. */
export async function submitPayload(client: AnyClient, { payload }: SubmitPayloadParameters): Promise<Hash> {
  return hexAnswer("ivm_submitPayload", await call(client, "ivm_submitPayload", [asHex(payload)]));
}

export type GetPayloadParameters = { hash: Hash };

/** The payload with this keccak256 (a program, an input, an output, a proof), or `null` when the node does not hold it. */
export async function getPayload(client: AnyClient, { hash }: GetPayloadParameters): Promise<Hex | null> {
  const answer = await call(client, "ivm_getPayload", [hash]);
  return answer === null ? null : hexAnswer("ivm_getPayload", answer);
}

function asHex(bytes: Uint8Array | Hex): Hex {
  return typeof bytes === "string" ? bytes : bytesToHex(bytes);
}
