import type {
  Abi,
  Account,
  Chain,
  Client,
  ContractFunctionArgs,
  ContractFunctionName,
  Transport,
  WriteContractParameters,
} from "viem";
import * as fees from "./actions/fees.js";
import * as jobs from "./actions/jobs.js";
import * as offchain from "./actions/offchain.js";
import * as programs from "./actions/programs.js";
import * as proofs from "./actions/proofs.js";
import * as watch from "./actions/watch.js";
import type { AnyClient } from "./rpc.js";

/** An action with its client given. */
type Bound<action> = action extends (client: AnyClient, ...rest: infer rest) => infer result
  ? (...rest: rest) => result
  : never;

/** Actions that need no account. */
export type InfinityvmPublicActions = {
  submitProgram: Bound<typeof programs.submitProgram>;
  getProgram: Bound<typeof programs.getProgram>;
  submitPayload: Bound<typeof programs.submitPayload>;
  getPayload: Bound<typeof programs.getPayload>;
  getJob: Bound<typeof jobs.getJob>;
  waitForJob: Bound<typeof jobs.waitForJob>;
  watchJob: Bound<typeof watch.watchJob>;
  prepareJobRequest: Bound<typeof offchain.prepareJobRequest>;
  submitJob: Bound<typeof offchain.submitJob>;
  quoteJob: Bound<typeof fees.quoteJob>;
  estimateJob: Bound<typeof fees.estimateJob>;
  getCycleFeeHistory: Bound<typeof fees.getCycleFeeHistory>;
  getJobProof: Bound<typeof proofs.getJobProof>;
  waitForJobProof: Bound<typeof proofs.waitForJobProof>;
  getSettlementInfo: Bound<typeof proofs.getSettlementInfo>;
};

/** Actions that sign, with the client's account or one that they are given. */
export type InfinityvmWalletActions<
  chain extends Chain | undefined = Chain | undefined,
  account extends Account | undefined = Account | undefined,
> = {
  requestJob: <
    const abi extends Abi | readonly unknown[],
    functionName extends ContractFunctionName<abi, "nonpayable" | "payable">,
    args extends ContractFunctionArgs<abi, "nonpayable" | "payable", functionName>,
    chainOverride extends Chain | undefined = undefined,
  >(
    parameters: WriteContractParameters<abi, functionName, args, chain, account, chainOverride>,
  ) => Promise<jobs.RequestedJob>;
  signJobRequest: Bound<typeof offchain.signJobRequest>;
  requestOffchainJob: Bound<typeof offchain.requestOffchainJob>;
};

/** All actions. */
export type InfinityvmActions<
  chain extends Chain | undefined = Chain | undefined,
  account extends Account | undefined = Account | undefined,
> = InfinityvmPublicActions & InfinityvmWalletActions<chain, account>;

/** Extends a viem client with the actions that need no account: `client.extend(infinityvmPublicActions())`. */
export function infinityvmPublicActions() {
  return (extended: Client<Transport, Chain | undefined, Account | undefined>): InfinityvmPublicActions => {
    const client: AnyClient = extended;
    return {
      submitProgram: (parameters) => programs.submitProgram(client, parameters),
      getProgram: (parameters) => programs.getProgram(client, parameters),
      submitPayload: (parameters) => programs.submitPayload(client, parameters),
      getPayload: (parameters) => programs.getPayload(client, parameters),
      getJob: (parameters) => jobs.getJob(client, parameters),
      waitForJob: (parameters) => jobs.waitForJob(client, parameters),
      watchJob: (parameters) => watch.watchJob(client, parameters),
      prepareJobRequest: (parameters) => offchain.prepareJobRequest(client, parameters),
      submitJob: (parameters) => offchain.submitJob(client, parameters),
      quoteJob: (parameters) => fees.quoteJob(client, parameters),
      estimateJob: (parameters) => fees.estimateJob(client, parameters),
      getCycleFeeHistory: (parameters) => fees.getCycleFeeHistory(client, parameters),
      getJobProof: (parameters) => proofs.getJobProof(client, parameters),
      waitForJobProof: (parameters) => proofs.waitForJobProof(client, parameters),
      getSettlementInfo: () => proofs.getSettlementInfo(client),
    };
  };
}

/** Extends a viem client with the actions that sign: `client.extend(infinityvmWalletActions())`. */
export function infinityvmWalletActions() {
  return <chain extends Chain | undefined, account extends Account | undefined>(
    client: Client<Transport, chain, account>,
  ): InfinityvmWalletActions<chain, account> => ({
    requestJob: (parameters) => jobs.requestJob(client, parameters),
    signJobRequest: (parameters) => offchain.signJobRequest(client as AnyClient, parameters),
    requestOffchainJob: (parameters) => offchain.requestOffchainJob(client as AnyClient, parameters),
  });
}

/**
 * Extends a viem client with everything: `createWalletClient({ … }).extend(infinityvmActions())`.
 *
 * Any client will do: actions that sign need an account of the client or of the call.
 */
export function infinityvmActions() {
  return <chain extends Chain | undefined, account extends Account | undefined>(
    client: Client<Transport, chain, account>,
  ): InfinityvmActions<chain, account> => ({
    ...infinityvmPublicActions()(client as AnyClient),
    ...infinityvmWalletActions()(client),
  });
}
