import type { Account, Chain, Client, Transport } from "viem";
import { InvalidAnswerError, toIvmError } from "./errors.js";

/** Any viem client. */
export type AnyClient = Client<Transport, Chain | undefined, Account | undefined>;

type UntypedRequest = (call: { method: string; params: unknown[] }) => Promise<unknown>;

/**
 * Calls a method that viem does not know, and gives its answer as it came.
 *
 * Fails with the class of the node's own errors where it answers with one, else as viem does.
 */
export async function call(client: AnyClient, method: string, params: unknown[]): Promise<unknown> {
  const request = client.request as unknown as UntypedRequest;
  try {
    return await request({ method, params });
  } catch (thrown) {
    throw toIvmError(method, thrown);
  }
}

/** The fields of an answer, each read as the type that it must have. */
export class AnswerReader {
  readonly #method: string;
  readonly #fields: Record<string, unknown>;

  constructor(method: string, answer: unknown) {
    if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
      throw new InvalidAnswerError(method, `got ${describe(answer)}, expected an object`);
    }
    this.#method = method;
    this.#fields = answer as Record<string, unknown>;
  }

  /** A string, of one of these values where some are given. */
  text<value extends string = string>(field: string, allowed?: readonly value[]): value {
    const value = this.#fields[field];
    if (typeof value !== "string") throw this.#wrong(field, "a string");
    if (allowed && !(allowed as readonly string[]).includes(value)) throw this.#wrong(field, allowed.join(" or "));
    return value as value;
  }

  /** A string of hex digits with its prefix. */
  hex(field: string): `0x${string}` {
    const value = this.#fields[field];
    if (typeof value !== "string" || !/^0x[0-9a-fA-F]*$/.test(value)) throw this.#wrong(field, "hex");
    return value as `0x${string}`;
  }

  /** A quantity. */
  bigint(field: string): bigint {
    return this.#quantity(field, this.#fields[field]);
  }

  /** A quantity that a number holds exactly. */
  number(field: string): number {
    const value = Number(this.bigint(field));
    if (!Number.isSafeInteger(value)) throw this.#wrong(field, "a quantity below 2^53");
    return value;
  }

  /** True or false. */
  boolean(field: string): boolean {
    const value = this.#fields[field];
    if (typeof value !== "boolean") throw this.#wrong(field, "a boolean");
    return value;
  }

  /** Several quantities. */
  bigints(field: string): bigint[] {
    return this.list(field).map((value) => this.#quantity(field, value));
  }

  /** Several numbers as JSON has them. */
  numbers(field: string): number[] {
    return this.list(field).map((value) => {
      if (typeof value !== "number") throw this.#wrong(field, "numbers");
      return value;
    });
  }

  /** A list of anything. */
  list(field: string): unknown[] {
    const value = this.#fields[field];
    if (!Array.isArray(value)) throw this.#wrong(field, "a list");
    return value;
  }

  /** An object. */
  object(field: string): AnswerReader {
    return new AnswerReader(`${this.#method} (${field})`, this.#fields[field]);
  }

  /** What `read` gives, or `null` where the answer has that or nothing. */
  optional<value>(field: string, read: (field: string) => value): value | null {
    const value = this.#fields[field];
    return value === null || value === undefined ? null : read.call(this, field);
  }

  #quantity(field: string, value: unknown): bigint {
    if (typeof value !== "string" || !/^0x[0-9a-fA-F]+$/.test(value)) throw this.#wrong(field, "a quantity");
    return BigInt(value);
  }

  #wrong(field: string, expected: string): InvalidAnswerError {
    return new InvalidAnswerError(this.#method, `${field} is ${describe(this.#fields[field])}, expected ${expected}`);
  }
}

/** A value for an error's message: short, whatever it is. */
function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** A string that an answer consists of. */
export function hexAnswer(method: string, answer: unknown): `0x${string}` {
  return new AnswerReader(method, { answer }).hex("answer");
}
