//! `ivm program inspect`.

use alloy_primitives::B256;
use clap::Args;
use eyre::Result;
use ivm_zkvm::{OpenVm, config::VM_CONFIG_ID};
use serde::Serialize;

use super::source::ProgramArgs;

/// Show a program's id and layout.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    program: ProgramArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Inspection {
    program_id: B256,
    elf_hash: B256,
    elf_size_bytes: usize,
    instructions: usize,
    entry_address: u32,
    input_address: u32,
    segments: Vec<Segment>,
    vm_config_id: &'static str,
}

#[derive(Serialize)]
struct Segment {
    address: u32,
    size_bytes: usize,
}

impl InspectArgs {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        let program = self.program.admit(&OpenVm::new())?;
        let engine = program.engine();
        let inspection = Inspection {
            program_id: program.id(),
            elf_hash: program.elf_hash(),
            elf_size_bytes: self.program.elf()?.len(),
            instructions: engine.instructions.len(),
            entry_address: engine.pc_start,
            input_address: engine.input_address,
            segments: engine
                .segments
                .iter()
                .map(|segment| Segment { address: segment.address, size_bytes: segment.bytes.len() })
                .collect(),
            vm_config_id: VM_CONFIG_ID,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&inspection)?);
        } else {
            inspection.print();
        }
        Ok(())
    }
}

impl Inspection {
    fn print(&self) {
        println!("program id    {}", self.program_id);
        println!("elf hash      {}", self.elf_hash);
        println!("elf size      {} bytes", self.elf_size_bytes);
        println!("instructions  {}", self.instructions);
        println!("entry         {:#010x}", self.entry_address);
        for segment in &self.segments {
            println!("segment       {:#010x}, {} bytes", segment.address, segment.size_bytes);
        }
        println!("input at      {:#010x}", self.input_address);
        println!("vm            {}", self.vm_config_id);
    }
}
