// Hardhat on the same sources as forge, by the same compiler; nothing is downloaded.
const path = require("node:path");
const { subtask } = require("hardhat/config");
const {
  TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD,
  TASK_COMPILE_SOLIDITY_GET_SOURCE_PATHS,
} = require("hardhat/builtin-tasks/task-names");
require("@nomicfoundation/hardhat-ethers");

const solc = path.join(__dirname, "../../../contracts/node_modules/solc");
const { version } = require(`${solc}/package.json`);

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async () => ({
  compilerPath: `${solc}/soljson.js`,
  isSolcJs: true,
  version,
  longVersion: require(solc).version(),
}));

// The counter is enough; the others are compiled by forge.
subtask(TASK_COMPILE_SOLIDITY_GET_SOURCE_PATHS, async (_, { config }) => [
  path.join(config.paths.sources, "Counter.sol"),
]);

module.exports = {
  solidity: { version, settings: { evmVersion: "prague", optimizer: { enabled: true } } },
  paths: { sources: "src", tests: "hardhat", artifacts: "out-hardhat", cache: "cache/hardhat" },
  networks: {
    ivm: {
      url: process.env.IVM_RPC_URL ?? "",
      chainId: Number(process.env.IVM_CHAIN_ID ?? 4956),
      accounts: [process.env.HARDHAT_KEY].filter(Boolean),
    },
  },
};
