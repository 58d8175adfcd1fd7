//! `ivm build`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::keccak256;
use clap::Args;
use eyre::{Result, WrapErr, bail};

use crate::guest::{
    self, Built,
    lock::{LOCK_FILE, Lock},
    toolchain::{Toolchain, ToolchainId},
    workspace::Workspace,
};

/// Build programs for the zkVM and lock what they are.
///
/// Writes elf/NAME.elf and programs.lock. The same sources and the same toolchain give the same program ids in every
/// folder, on every machine.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Folder of a program's package, or of a workspace of them
    #[arg(default_value = ".")]
    path: PathBuf,

    /// Write nothing: build in a temporary folder and compare with programs.lock
    #[arg(long)]
    check: bool,

    /// Folder of elf/ and programs.lock; the workspace's when not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl BuildArgs {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        if self.check {
            return self.check();
        }
        let (workspace, out, previous) = self.open()?;
        let toolchain = Toolchain::find(previous.as_ref().map(|lock| &lock.toolchain))?;
        eprintln!("toolchain     {}", toolchain.id);
        let mut built = guest::build(&workspace, &toolchain, &workspace.target_directory.join("guest"))?;
        write_elfs(&built, &out)?;
        for program in &built.lock.programs {
            println!("{:13} {} ({} bytes)", program.name, program.program_id, program.elf_size_bytes);
        }
        if let Some(previous) = previous {
            if previous.toolchain != built.lock.toolchain {
                eprintln!(
                    "the lock was of another toolchain ({}); it is now of this one",
                    previous.toolchain
                );
            }
            built.lock.keep_from(previous, |name| elf_path(&out, name).is_file());
        }
        built.lock.write(&out)?;
        println!("written       {}", out.join(LOCK_FILE).display());
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let (workspace, out, locked) = self.open()?;
        let Some(locked) = locked else {
            bail!("there is no {} to compare with; run `ivm build` first", out.join(LOCK_FILE).display());
        };
        check_elfs(&workspace, &locked, &out)?;
        let Some(toolchain) = pinned(&locked.toolchain) else {
            println!(
                "skipped: programs were not rebuilt, as the pinned toolchain is not here: {}",
                locked.toolchain
            );
            return Ok(());
        };
        eprintln!("toolchain     {}", toolchain.id);
        let target = tempfile::tempdir().wrap_err("cannot create a temporary folder")?;
        let built = guest::build(&workspace, &toolchain, target.path())?;
        let mut difference = String::new();
        if locked.vm_config_id != built.lock.vm_config_id {
            difference = format!(
                "\n  vm_config_id\n    locked {}\n    built  {}",
                locked.vm_config_id, built.lock.vm_config_id
            );
        }
        for program in &built.lock.programs {
            // `check_elfs` found each of them in the lock.
            difference.extend(locked.program(&program.name).map(|locked| locked.difference(program)));
        }
        if !difference.is_empty() {
            bail!("programs are not what {} says; run `ivm build`, and commit:{difference}", LOCK_FILE);
        }
        for program in &built.lock.programs {
            println!("same          {} {}", program.name, program.program_id);
        }
        Ok(())
    }

    fn open(&self) -> Result<(Workspace, PathBuf, Option<Lock>)> {
        let workspace = Workspace::read(&self.path)?;
        let out = self.out.clone().unwrap_or_else(|| workspace.root.clone());
        let lock = Lock::read(&out)?;
        Ok((workspace, out, lock))
    }
}

fn pinned(id: &ToolchainId) -> Option<Toolchain> {
    Toolchain::find_all().into_iter().find(|toolchain| toolchain.id == *id)
}

fn elf_path(out: &Path, name: &str) -> PathBuf {
    out.join("elf").join(name).with_extension("elf")
}

fn write_elfs(built: &Built, out: &Path) -> Result<()> {
    for (program, elf) in built.lock.programs.iter().zip(&built.elfs) {
        let path = elf_path(out, &program.name);
        let folder = path.parent().unwrap_or(out);
        fs::create_dir_all(folder).wrap_err_with(|| format!("cannot create {}", folder.display()))?;
        fs::write(&path, elf).wrap_err_with(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Compares the ELF files with the lock, which needs no toolchain.
fn check_elfs(workspace: &Workspace, locked: &Lock, out: &Path) -> Result<()> {
    for program in &workspace.programs {
        let Some(locked) = locked.program(&program.name) else {
            bail!("{} is not in {LOCK_FILE}; run `ivm build`", program.name);
        };
        let path = elf_path(out, &program.name);
        let elf =
            fs::read(&path).wrap_err_with(|| format!("cannot read {}; run `ivm build`", path.display()))?;
        let hash = keccak256(elf);
        if hash != locked.elf_hash {
            bail!(
                "{} has hash {hash}, but {LOCK_FILE} says {}; run `ivm build`, and commit both",
                path.display(),
                locked.elf_hash
            );
        }
    }
    Ok(())
}
