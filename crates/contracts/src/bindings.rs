//! ABI types, generated from `contracts/artifacts`.

#![allow(missing_docs)]

use alloy_sol_types::sol;

sol!(
    #[sol(all_derives)]
    JobManager,
    "../../contracts/artifacts/JobManager.json"
);
sol!(
    #[sol(all_derives)]
    ProgramRegistry,
    "../../contracts/artifacts/ProgramRegistry.json"
);
sol!(
    #[sol(all_derives)]
    IConsumer,
    "../../contracts/artifacts/IConsumer.json"
);
sol!(
    #[sol(all_derives)]
    EchoConsumer,
    "../../contracts/artifacts/EchoConsumer.json"
);
sol!(
    #[sol(all_derives)]
    SquareRootConsumer,
    "../../contracts/artifacts/SquareRootConsumer.json"
);
sol!(
    #[sol(all_derives)]
    VolatilityOracle,
    "../../contracts/artifacts/VolatilityOracle.json"
);
