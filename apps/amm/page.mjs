// What the page is called, and what it uses of the contracts. web/build.mjs says what each is for.
export default {
  name: "amm",
  title: "InfinityVM dynamic-fee pool",
  contracts: {
    pool: {
      artifact: "DynamicFeePool",
      all: "error",
      named: [
        "ANCHOR_PERIOD_SECONDS", "TOKEN0", "TOKEN1", "anchorOf", "balanceOf", "feeInput", "feeOf", "latestPeriod", "oldestPeriod",
        "quote", "refreshTier", "reserves", "swap", "swapWithProof", "tiers", "totalSupply", "traderOf",
      ],
    },
    jobManager: { artifact: "JobManager", all: "error", named: ["quote"] },
    token: { artifact: "ExampleToken", all: "error", named: ["allowance", "approve", "balanceOf", "decimals", "symbol"] },
  },
};
