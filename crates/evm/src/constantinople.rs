//! Gas of `SSTORE` in Constantinople (EIP-1283), which revm does not know: no public chain but test chains kept it.
//!
//! Its arithmetic is that of Istanbul (EIP-2200) with a read at 200 gas, and without Istanbul's reserve of gas.

use revm::bytecode::opcode::SSTORE;
use revm::context_interface::cfg::gas_params::{GasId, GasParams};
use revm::context_interface::host::Host;
use revm::handler::instructions::EthInstructions;
use revm::interpreter::instructions::host::sstore_with_gas_accounting;
use revm::interpreter::interpreter_types::InterpreterTypes;
use revm::interpreter::{Instruction, InstructionContext, InstructionExecResult, InstructionResult};

/// Gas of a read, and of a write that is not the slot's first in the transaction.
const SLOAD_GAS: u64 = 200;
/// Gas of a first write to an empty slot.
const SET_GAS: u64 = 20_000;
/// Gas of a first write to a slot in use.
const RESET_GAS: u64 = 5_000;
/// Gas back for emptying a slot.
const CLEAR_REFUND: u64 = 15_000;

/// Prices storage writes.
pub(crate) fn set_gas(params: &mut GasParams) {
    params.override_gas([
        (GasId::sstore_static(), SLOAD_GAS),
        (GasId::sstore_set_without_load_cost(), SET_GAS - SLOAD_GAS),
        (GasId::sstore_reset_without_cold_load_cost(), RESET_GAS - SLOAD_GAS),
        (GasId::sstore_set_refund(), SET_GAS - SLOAD_GAS),
        (GasId::sstore_reset_refund(), RESET_GAS - SLOAD_GAS),
        (GasId::sstore_clearing_slot_refund(), CLEAR_REFUND),
    ]);
}

/// Has `SSTORE` look at a slot's value before the transaction, as the prices above need.
pub(crate) fn set_instructions<W: InterpreterTypes, H: Host>(instructions: &mut EthInstructions<W, H>) {
    instructions.insert_instruction(SSTORE, Instruction::new(sstore), 0);
}

fn sstore<W: InterpreterTypes, H: Host + ?Sized>(
    context: InstructionContext<'_, H, W>,
) -> InstructionExecResult {
    sstore_with_gas_accounting(context, |context, _, loaded| {
        let params = context.host.gas_params();
        let gas = params.sstore_dynamic_gas(true, &loaded.data, loaded.is_cold);
        let refund = params.sstore_refund(true, &loaded.data);
        if !context.interpreter.gas.record_regular_cost(gas) {
            return Err(InstructionResult::OutOfGas);
        }
        context.interpreter.gas.record_refund(refund);
        Ok(())
    })
}
