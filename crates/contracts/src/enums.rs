//! The enums of `IJobManager`. An ABI has them as bare bytes; a test holds these names to the Solidity source.

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of an enum's values in the Solidity interface.
    fn solidity_names(name: &str) -> Vec<&'static str> {
        let source = include_str!("../../../contracts/src/interfaces/IJobManager.sol");
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
