//! Where guest registers are while code runs, and how code is entered, left, and calls out.
//!
//! ```text
//! rsp + 0 .. 128   slots: 4 bytes for each of x0..x31; those of registers that live in host registers are spill room
//! rsp + 128        the context
//! rsp + 136        where to jump on entry
//! r14              cycles that remain
//! r15              base of the guest's memory
//! rax, rcx         scratch
//! ```
// The assembler macro converts every register number, whatever its type.
#![allow(clippy::useless_conversion)]

use std::mem::offset_of;

use dynasmrt::{DynamicLabel, DynasmApi, dynasm};
use ivm_engine::{
    MemoryView,
    custom::{self, Operands},
    decode::{Instruction, Operation},
};

use crate::native::assembler::{Assembler, Condition, ECX, EDX, Host, Operand, Place};

/// Hosts of guest registers, the cheapest first.
const HOSTS: [Host; 11] = [3, 5, 6, 7, 8, 9, 10, 11, 12, 13, EDX];
/// Those that a call may change: `rsi`, `rdi`, `r8` to `r11`, `rdx`.
const CHANGED_BY_CALLS: [Host; 7] = [6, 7, 8, 9, 10, 11, EDX];
const RDI: Host = 7;

/// With six pushes and the return address, a multiple of 16.
const FRAME_SIZE_BYTES: i32 = 152;
const CONTEXT_OFFSET: i32 = 128;
const TARGET_OFFSET: i32 = 136;

/// What generated code is called with.
#[repr(C)]
pub(crate) struct Context {
    /// Registers, on entry and on leaving.
    pub(crate) registers: [u32; 32],
    /// Cycles that remain.
    pub(crate) remaining_cycles: u64,
    /// Base of the guest's memory.
    pub(crate) memory: *mut u8,
    /// Bytes of it within reach.
    pub(crate) memory_size_bytes: usize,
    /// Program counter on leaving.
    pub(crate) pc: u32,
}

/// Which guest register is where: outside loops, or in one.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    places: [Place; 32],
    swaps: Vec<Swap>,
}

/// In a loop, `host` holds `inside`, while `outside`, which it holds elsewhere, waits in its slot.
#[derive(Clone, Copy, Debug)]
struct Swap {
    host: Host,
    inside: u8,
    outside: u8,
}

impl Frame {
    /// Gives the most used registers a host each.
    pub(crate) fn new(registers_by_use: &[u8]) -> Self {
        let mut places = std::array::from_fn(|register| Place::Slot(register as u8));
        for (&register, &host) in registers_by_use.iter().zip(&HOSTS) {
            places[usize::from(register)] = Place::Register(host);
        }
        Self { places, swaps: Vec::new() }
    }

    /// The places in a loop, where other registers are wanted most; `None` when they are the same.
    pub(crate) fn in_loop(&self, registers_by_use: &[u8]) -> Option<Self> {
        let (wanted, others) = registers_by_use.split_at(HOSTS.len());
        let hosted = |register: &&u8| matches!(self.place(**register), Place::Register(_));
        let coming = wanted.iter().filter(|register| !hosted(register));
        let leaving = others.iter().rev().filter(hosted);
        let mut frame = self.clone();
        for (&inside, &outside) in coming.zip(leaving) {
            if let Place::Register(host) = self.place(outside) {
                frame.places[usize::from(inside)] = Place::Register(host);
                frame.places[usize::from(outside)] = Place::Slot(outside);
                frame.swaps.push(Swap { host, inside, outside });
            }
        }
        (!frame.swaps.is_empty()).then_some(frame)
    }

    /// Emits the way into a loop with these places.
    pub(crate) fn emit_swap_in(&self, asm: &mut Assembler) {
        for &Swap { host, inside, outside } in &self.swaps {
            asm.copy(Place::Slot(outside), Operand::host(host));
            asm.copy(Place::Register(host), Operand::At(Place::Slot(inside)));
        }
    }

    /// Emits the way out of it.
    pub(crate) fn emit_swap_out(&self, asm: &mut Assembler) {
        for &Swap { host, inside, outside } in &self.swaps {
            asm.copy(Place::Slot(inside), Operand::host(host));
            asm.copy(Place::Register(host), Operand::At(Place::Slot(outside)));
        }
    }

    pub(crate) const fn place(&self, register: u8) -> Place {
        self.places[(register & 31) as usize]
    }

    fn registers(&self) -> impl Iterator<Item = (u8, Place)> + '_ {
        (1..32).map(|register| (register, self.place(register)))
    }

    /// Emits the function that enters code: `fn(*mut Context, target)`.
    pub(crate) fn emit_entry(&self, asm: &mut Assembler) {
        dynasm!(asm.ops ; .arch x64
            ; push rbp ; push rbx ; push r12 ; push r13 ; push r14 ; push r15
            ; sub rsp, FRAME_SIZE_BYTES
            ; mov [rsp + CONTEXT_OFFSET], rdi
            ; mov [rsp + TARGET_OFFSET], rsi
            ; mov r14, [rdi + offset_of!(Context, remaining_cycles) as i32]
            ; mov r15, [rdi + offset_of!(Context, memory) as i32]
            ; mov rcx, rdi);
        for (register, place) in self.registers() {
            let offset = 4 * i32::from(register);
            match place {
                Place::Register(host) => dynasm!(asm.ops ; .arch x64 ; mov Rd(host), [rcx + offset]),
                Place::Slot(_) => dynasm!(asm.ops ; .arch x64
                    ; mov eax, [rcx + offset]
                    ; mov [rsp + offset], eax),
            }
        }
        dynasm!(asm.ops ; .arch x64 ; jmp QWORD [rsp + TARGET_OFFSET]);
    }

    /// Emits the way out, program counter in `eax`.
    pub(crate) fn emit_leave(&self, asm: &mut Assembler) {
        dynasm!(asm.ops ; .arch x64
            ; mov rcx, [rsp + CONTEXT_OFFSET]
            ; mov [rcx + offset_of!(Context, pc) as i32], eax
            ; mov [rcx + offset_of!(Context, remaining_cycles) as i32], r14);
        for (register, place) in self.registers() {
            let offset = 4 * i32::from(register);
            match place {
                Place::Register(host) => dynasm!(asm.ops ; .arch x64 ; mov [rcx + offset], Rd(host)),
                Place::Slot(_) => dynasm!(asm.ops ; .arch x64
                    ; mov eax, [rsp + offset]
                    ; mov [rcx + offset], eax),
            }
        }
        dynasm!(asm.ops ; .arch x64
            ; add rsp, FRAME_SIZE_BYTES
            ; pop r15 ; pop r14 ; pop r13 ; pop r12 ; pop rbx ; pop rbp
            ; ret);
    }

    /// Emits the call of a custom instruction's function.
    pub(crate) fn emit_custom(&self, asm: &mut Assembler, instruction: Instruction, on_fault: DynamicLabel) {
        let Instruction { operation, rd, rs1, rs2, .. } = instruction;
        let function = match operation {
            Operation::Keccakf => keccakf as Function,
            Operation::Xorin => xorin,
            Operation::Sha256 => sha256,
            _ => sha512,
        };
        let saved = || {
            self.registers().filter(
                |(_, place)| matches!(place, Place::Register(host) if CHANGED_BY_CALLS.contains(host)),
            )
        };
        for (register, place) in saved() {
            asm.copy(Place::Slot(register), Operand::At(place));
        }
        for (host, register) in [(6, rd), (EDX, rs1), (ECX, rs2)] {
            let place = match self.place(register) {
                _ if register == 0 => Operand::Constant(0),
                // Written to its slot just now, and perhaps overwritten by an argument since.
                Place::Register(host) if CHANGED_BY_CALLS.contains(&host) => {
                    Operand::At(Place::Slot(register))
                }
                place => Operand::At(place),
            };
            asm.copy(Place::Register(host), place);
        }
        dynasm!(asm.ops ; .arch x64
            ; mov Rq(RDI), [rsp + CONTEXT_OFFSET]
            ; mov rax, QWORD function as usize as i64
            ; call rax
            ; test eax, eax);
        for (register, place) in saved() {
            asm.copy(place, Operand::At(Place::Slot(register)));
        }
        asm.jump_if(Condition::NotEqual, on_fault);
    }
}

/// Nonzero for a fault.
type Function = extern "sysv64" fn(*mut Context, u32, u32, u32) -> u32;

macro_rules! custom_function {
    ($name:ident, $operation:ident) => {
        extern "sysv64" fn $name(context: *mut Context, destination: u32, first: u32, second: u32) -> u32 {
            // SAFETY: generated code passes the context it was called with, whose memory has that many bytes, which
            // nothing else borrows while code runs.
            let memory =
                unsafe { std::slice::from_raw_parts_mut((*context).memory, (*context).memory_size_bytes) };
            let operands = Operands { destination, first, second };
            let result = custom::execute(Operation::$operation, operands, 0, &mut MemoryView::new(memory));
            result.is_err().into()
        }
    };
}

custom_function!(keccakf, Keccakf);
custom_function!(xorin, Xorin);
custom_function!(sha256, Sha256);
custom_function!(sha512, Sha512);
