// What the page is called, and what it reads of the contracts. web/build.mjs says what each is for.
export default {
  name: "explorer",
  title: "InfinityVM explorer",
  contracts: {
    settlement: {
      artifact: "Settlement",
      all: "event",
      named: ["balanceOf", "blockInfo", "burnedWei", "parameters", "proposerInfo", "proposers"],
    },
    jobManager: { artifact: "JobManager", all: "event", named: [] },
  },
};
