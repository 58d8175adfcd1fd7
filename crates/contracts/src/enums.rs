//! The enums of `IJobManager` and of `ISettlement`. An ABI has them as bare bytes; a test holds these names to the Solidity source.

/// A Solidity enum: its bytes, its names.
macro_rules! solidity_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every value, in the order of its byte.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The value that a byte from the chain stands for, or `None` when it stands for none.
            pub fn from_byte(byte: u8) -> Option<Self> {
                Self::ALL.get(usize::from(byte)).copied()
            }

            /// Its name in Solidity.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

solidity_enum! {
    /// Where a job is in its life: what `jobState` returns.
    JobState {
        /// Never asked for.
        None,
        /// Waits for its outcome.
        Pending,
        /// Has an outcome, and its consumer took it.
        Delivered,
        /// Has an outcome, but its consumer failed to take it; anyone can retry.
        CallbackFailed,
        /// Taken back by its consumer.
        Cancelled,
        /// Passed its deadline without an outcome.
        Expired,
    }
}

solidity_enum! {
    /// Why an entry of `submitResults` was passed over: what `ResultSkipped` says.
    SkipReason {
        /// There is no such job.
        UnknownJob,
        /// The job is not pending any more.
        JobClosed,
        /// The job was not requested so.
        JobMismatch,
        /// The deadline is past.
        DeadlinePassed,
        /// The status byte stands for no outcome.
        StatusInvalid,
        /// The run took more cycles than the job allows.
        CyclesOverMax,
        /// The output or the panic message is over its limit.
        OutputTooLarge,
    }
}

solidity_enum! {
    /// What is wrong with a signed request, or with its entry in `submitOffchainResults`: what `checkRequest` returns and
    /// `OffchainResultSkipped` says.
    RequestFault {
        /// Nothing.
        None,
        /// The number has more than 62 bits.
        NonceTooLarge,
        /// A job of this number has landed.
        NonceUsed,
        /// An ordered job with a smaller number has not landed yet.
        NotNextInOrder,
        /// The deadline is past.
        DeadlinePassed,
        /// The deadline lies further ahead than the parameters allow.
        DeadlineTooFar,
        /// The program is not registered.
        UnknownProgram,
        /// A job needs at least one cycle.
        MaxCyclesZero,
        /// The request asks for more cycles than the protocol allows.
        MaxCyclesTooHigh,
        /// The request asks for more callback gas than the protocol allows.
        CallbackGasTooHigh,
        /// The onchain input is larger than the protocol allows.
        InputTooLarge,
        /// There is nothing at the consumer's address.
        ConsumerWithoutCode,
        /// The consumer does not take the signature for its own.
        BadSignature,
        /// The fee is more than the signer allows.
        FeeOverMax,
        /// The payer does not allow the consumer to spend so much.
        AllowanceTooLow,
        /// The payer does not hold so much.
        InsufficientFunds,
        /// The status byte stands for no outcome.
        StatusInvalid,
        /// The run took more cycles than the request allows.
        CyclesOverMax,
        /// The output or the panic message is over its limit.
        OutputTooLarge,
    }
}

solidity_enum! {
    /// Why a run inside a transaction has no outcome: what `NoOutcome` says.
    NoOutcomeReason {
        /// It did what has no proof.
        Trapped,
        /// It needed more cycles than it may take.
        OutOfCycles,
        /// It ended with an exit code.
        ExitCode,
        /// It ended without an output, or with one over its limit.
        Malformed,
        /// The input does not fit into its memory.
        InputDoesNotFit,
    }
}

solidity_enum! {
    /// Where a proposer is: what `proposerInfo` returns.
    ProposerState {
        /// It may not propose.
        None,
        /// It may stake a bond.
        Allowed,
        /// It staked its bond and proposes.
        Active,
        /// It proposes no more; its bond is not free yet.
        Exiting,
        /// It lost its bond, for good.
        Jailed,
    }
}

solidity_enum! {
    /// Where a block of the execution chain is: what `blockInfo` returns.
    BlockState {
        /// Never proposed.
        Unknown,
        /// In the chain, and can still be challenged.
        Proposed,
        /// In the chain for good.
        Final,
        /// Out of the chain for good: it was invalidated, or one before it.
        Dropped,
    }
}

solidity_enum! {
    /// What a challenger says of a claim: `ISettlement.Kind`.
    ChallengeKind {
        /// Its outcome is another one.
        Refute,
        /// Prove it.
        Demand,
    }
}

solidity_enum! {
    /// What is known of a claim: what `claimInfo` returns.
    ClaimState {
        /// It was never challenged nor proven.
        Unknown,
        /// It is disputed.
        Challenged,
        /// It was proven.
        Confirmed,
        /// Another outcome was proven.
        Refuted,
        /// Nobody met a demand for its proof.
        Lapsed,
    }
}

solidity_enum! {
    /// Where a challenge is: what `challengeInfo` returns.
    ChallengeState {
        /// Never made.
        None,
        /// Not closed.
        Open,
        /// The claim is false; the bond went back.
        Won,
        /// The claim is true; the bond went to prover and proposer.
        Lost,
        /// A refute that nobody proved in time; the bond was burned.
        Expired,
        /// The block left the chain for another reason; the bond went back.
        Moot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of an enum's values in the Solidity interface.
    fn solidity_names(name: &str) -> Vec<&'static str> {
        let sources = concat!(
            include_str!("../../../contracts/src/interfaces/IJobManager.sol"),
            include_str!("../../../contracts/src/interfaces/IOffchainJobs.sol"),
            include_str!("../../../contracts/src/interfaces/ISyncJobs.sol"),
            include_str!("../../../contracts/src/interfaces/ISettlement.sol")
        );
        names_in(sources, name)
    }

    fn names_in<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
        let (_, rest) = source.split_once(&format!("enum {name} {{")).expect("the interface has the enum");
        let (body, _) = rest.split_once('}').expect("the enum ends");
        body.split(',').map(str::trim).collect()
    }

    #[test]
    fn names_and_order_are_those_of_solidity() {
        assert_eq!(
            JobState::ALL.iter().map(|state| state.name()).collect::<Vec<_>>(),
            solidity_names("JobState")
        );
        assert_eq!(
            SkipReason::ALL.iter().map(|reason| reason.name()).collect::<Vec<_>>(),
            solidity_names("SkipReason")
        );
        macro_rules! check {
            ($($name:ident $solidity:literal),*) => {$(
                let names: Vec<_> = $name::ALL.iter().map(|value| value.name()).collect();
                assert_eq!(names, solidity_names($solidity));
            )*};
        }
        check!(RequestFault "RequestFault", NoOutcomeReason "NoOutcomeReason");
        check!(ProposerState "ProposerState", BlockState "BlockState", ChallengeKind "Kind");
        check!(ClaimState "ClaimState", ChallengeState "ChallengeState");
    }

    #[test]
    fn bytes_round_trip() {
        for (byte, state) in JobState::ALL.iter().enumerate() {
            assert_eq!(JobState::from_byte(byte as u8), Some(*state));
            assert_eq!(*state as usize, byte);
        }
        assert_eq!(JobState::from_byte(JobState::ALL.len() as u8), None);
    }
}
