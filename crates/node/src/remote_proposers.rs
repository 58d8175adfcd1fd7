//! What proposers elsewhere ask of the node, before block production has to do with it: who they are.

use std::time::Duration;

use ivm_rpc::{
    AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, IvmError, OrderedBlock, ProposerSession,
};
use ivm_settlement::Session;
use tokio::sync::oneshot;

use crate::{
    NodeError,
    backend::{Backend, internal},
    producer::Command,
};

/// How long a proposer waits for a duty before it is told that there is none, and asks again.
const DUTY_TIMEOUT: Duration = Duration::from_secs(10);

fn stopped() -> IvmError {
    internal(NodeError::Stopped)
}

/// Waits until a block is due.
pub(crate) async fn prepare(
    backend: &Backend,
    session: ProposerSession,
) -> Result<Option<BlockDuty>, IvmError> {
    let proposer = check(backend, session)?;
    let (reply, answer) = oneshot::channel();
    backend.commands.send(Command::Prepare { proposer, reply }).await.map_err(|_| stopped())?;
    match tokio::time::timeout(DUTY_TIMEOUT, answer).await {
        Ok(Ok(duty)) => duty.map(Some),
        // The same proposer asks elsewhere.
        Ok(Err(_)) => Ok(None),
        Err(_) => Ok(None),
    }
}

pub(crate) async fn assemble(
    backend: &Backend,
    session: ProposerSession,
    request: AssembleRequest,
) -> Result<AssembledBlock, IvmError> {
    let proposer = check(backend, session)?;
    let (reply, answer) = oneshot::channel();
    let command = Command::Assemble { proposer, request, reply };
    backend.commands.send(command).await.map_err(|_| stopped())?;
    answer.await.map_err(|_| stopped())?
}

pub(crate) async fn propose(backend: &Backend, offer: BlockOffer) -> Result<OrderedBlock, IvmError> {
    let (reply, answer) = oneshot::channel();
    backend.commands.send(Command::Propose { offer, reply }).await.map_err(|_| stopped())?;
    answer.await.map_err(|_| stopped())?
}

/// Whose session it is, when it is good and that account may propose.
fn check(backend: &Backend, session: ProposerSession) -> Result<alloy_primitives::Address, IvmError> {
    let settlement = &backend.shared.settlement;
    let ProposerSession { proposer, until_block, signature } = session;
    let session = Session { proposer, until_block, signature };
    let head = settlement.chain.head().block.number();
    let refused = |reason: String| IvmError::NotProposer { reason };
    session.check(head, settlement.domain()).map_err(|error| refused(error.to_string()))?;
    if !settlement.is_active(proposer).map_err(internal)? {
        return Err(refused(format!("{proposer} is not bonded, or leaving, or jailed")));
    }
    Ok(proposer)
}
