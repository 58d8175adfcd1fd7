//! ABI types and code, generated from `contracts/artifacts`.

#![allow(missing_docs, clippy::too_many_arguments)]

/// One module of ABI types for each contract named.
macro_rules! bindings {
    ($($contract:ident),* $(,)?) => {$(
        alloy_sol_types::sol!(
            #[sol(all_derives)]
            $contract,
            concat!("../../contracts/artifacts/", stringify!($contract), ".json")
        );
    )*};
}

bindings!(
    JobManager,
    ProgramRegistry,
    IConsumer,
    IProofVerifier,
    Settlement,
    DynamicFeePool,
    EchoConsumer,
    ExampleToken,
    InstantSquareRoot,
    LedgerConsumer,
    OffchainPriceConsumer,
    PrizeConsumer,
    SquareRootConsumer,
    VolatilityOracle
);

/// Consumers that misbehave, for tests.
pub mod hostile {
    bindings!(GasBurnerConsumer, HostileSigner, ReentrantConsumer, ReturnBombConsumer, RevertingConsumer);
}
