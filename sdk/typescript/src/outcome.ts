import {
  type AbiParameter,
  type DecodeAbiParametersReturnType,
  decodeAbiParameters,
  type Hash,
  hexToBytes,
  type ParseAbiParameters,
  parseAbiParameters,
} from "viem";
import { JobPanickedError, NoOutcomeError } from "./errors.js";
import type { JobInfo, JobOutcome } from "./types.js";

/** The value of an output: that of its parameter when it has one, else those of all, in a list. */
export type OutcomeValue<parameters extends readonly AbiParameter[]> =
  DecodeAbiParametersReturnType<parameters> extends readonly [infer only]
    ? only
    : DecodeAbiParametersReturnType<parameters>;

/** The value of an output whose types are in a string. */
export type ParsedOutcomeValue<types extends string> =
  ParseAbiParameters<types> extends infer parameters extends readonly AbiParameter[]
    ? OutcomeValue<parameters>
    : unknown;

/** What a job's outcome is decoded from: the job, or its outcome. */
export type Decodable = JobInfo | JobOutcome;

/**
 * The typed output of a job whose program writes Solidity's ABI.
 *
 * `types` is what a contract would give to `abi.decode`, for example `"uint256"` or `"(uint256 mean, uint256 count)"`.
 * A program's `abi_output(&value)` writes one parameter, so what it writes of a struct or a tuple is one type in
 * parentheses.
 *
 * @throws {@link JobPanickedError} when the program panicked, {@link NoOutcomeError} when the job has no outcome yet,
 * and viem's decoding errors when the output is of another type.
 */
export function decodeOutcome<const types extends string>(
  decodable: Decodable,
  types: types,
): ParsedOutcomeValue<types>;
export function decodeOutcome<const parameters extends readonly AbiParameter[]>(
  decodable: Decodable,
  parameters: parameters,
): OutcomeValue<parameters>;
export function decodeOutcome(decodable: Decodable, types: string | readonly AbiParameter[]): unknown {
  const { status, data } = outcomeIn(decodable);
  if (status === "panicked") throw new JobPanickedError(data, new TextDecoder().decode(hexToBytes(data)));
  const parameters = typeof types === "string" ? (parseAbiParameters(types) as readonly AbiParameter[]) : types;
  const values = decodeAbiParameters(parameters, data) as readonly unknown[];
  return values.length === 1 ? values[0] : values;
}

function outcomeIn(decodable: Decodable): JobOutcome {
  if (!("jobId" in decodable)) return decodable;
  if (decodable.outcome === null) throw new NoOutcomeError(decodable.jobId as Hash, decodable.state);
  return decodable.outcome;
}
