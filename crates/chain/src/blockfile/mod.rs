//! Files of blocks, as geth exports and imports them: blocks in RLP, one after another.

mod error;
mod execute;
mod export;
mod import;
mod read;
mod write;

pub use error::{BlockFileError, ExportError, ImportFileError};
pub use export::ExportProgress;
pub use import::ImportProgress;
pub use read::{BlockFileReader, FileBlock};
