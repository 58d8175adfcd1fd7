// Asking a node. Requests made in one turn of the event loop go out as one batch.
import {
  type Abi, type ContractFunctionArgs, type ContractFunctionName, type ContractFunctionReturnType, type Hex, createClient,
  decodeFunctionResult, encodeFunctionData, http,
} from "viem";

const TIMEOUT_MS = 8_000;

/** Most requests in a batch; a node takes a thousand. */
const BATCH = 200;

export class Rpc {
  readonly #client;

  constructor(readonly url: string) {
    const batch = { batchSize: BATCH, wait: 0 };
    this.#client = createClient({ transport: http(url, { batch, retryCount: 0, timeout: TIMEOUT_MS }) });
  }

  /** What the node answers. Rejects with its error, or when it cannot be reached. */
  request<T>(method: string, ...params: unknown[]): Promise<T> {
    return this.#client.request({ method, params } as never) as Promise<T>;
  }

  /** Calls a function of a contract that only reads. */
  async read<const A extends Abi, F extends ContractFunctionName<A, "view" | "pure">>(
    abi: A,
    to: Hex,
    functionName: F,
    args: ContractFunctionArgs<A, "view" | "pure", F>,
  ): Promise<ContractFunctionReturnType<A, "view" | "pure", F>> {
    const data = encodeFunctionData({ abi, functionName, args } as never);
    const answer = await this.request<Hex>("eth_call", { to, data }, "latest");
    return decodeFunctionResult({ abi, functionName, data: answer } as never) as never;
  }
}
