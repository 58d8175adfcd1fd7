//! Calls Cargo so that what comes out depends on sources and toolchain alone.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use eyre::{Result, WrapErr, bail, ensure};

use super::{
    toolchain::{FLAGS_VERSION, TARGET, Toolchain},
    workspace::{ProgramCrate, Workspace},
    wrapper::Renames,
};

/// Where a program's first segment starts; the stack lies below.
const IMAGE_BASE: u32 = ivm_primitives::limits::STACK_TOP_ADDRESS;

/// Variables that would change what comes out.
const MISLEADING_VARIABLES: [&str; 6] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_INCREMENTAL",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
];

/// Compiles programs of `workspace` below `target_directory`, and reads their ELFs, in the order given.
pub(crate) fn compile(
    workspace: &Workspace,
    toolchain: &Toolchain,
    target_directory: &Path,
) -> Result<Vec<Vec<u8>>> {
    let linkers = tempfile::tempdir().wrap_err("cannot create a temporary folder")?;
    symlink(&toolchain.linker, linkers.path().join("rust-lld")).wrap_err("cannot name the linker")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([linkers.path().to_owned()].into_iter().chain(env::split_paths(&path)))
        .wrap_err("PATH cannot be extended")?;

    let mut cargo = Command::new(&toolchain.cargo);
    cargo
        .args(["build", "--release", "--locked", "--target", TARGET])
        .args(["-Zbuild-std=alloc,core,proc_macro,panic_abort,std"])
        .args(["-Zbuild-std-features=compiler-builtins-mem"])
        .arg("--manifest-path")
        .arg(workspace.root.join("Cargo.toml"))
        .current_dir(&workspace.root);
    for program in &workspace.programs {
        cargo.args(["--package", &program.package, "--bin", &program.name]);
    }
    for variable in env::vars_os().map(|(name, _)| name).filter(|name| misleads(name)) {
        cargo.env_remove(variable);
    }
    let renames = renames(workspace, toolchain, target_directory);
    cargo
        .env("PATH", path)
        .env("RUSTC", &toolchain.rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", target_directory)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags().join("\u{1f}"));
    renames.request(&mut cargo).wrap_err("cannot find this binary")?;

    let status = cargo.status().wrap_err_with(|| format!("cannot run {}", toolchain.cargo.display()))?;
    ensure!(
        status.success(),
        "{} could not build the programs; what it printed says why. When Cargo.lock is out of date, \
         run `cargo update --workspace` in {}",
        toolchain.cargo.display(),
        workspace.root.display()
    );
    let folder = target_directory.join(TARGET).join("release");
    workspace.programs.iter().map(|program| read_elf(program, &folder, &renames)).collect()
}

fn misleads(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    MISLEADING_VARIABLES.contains(&name.as_ref())
        || name.starts_with("CARGO_PROFILE_")
        || name.starts_with("CARGO_TARGET_RISCV")
}

/// What would tell on this machine, and what stands in its place.
fn renames(workspace: &Workspace, toolchain: &Toolchain, target_directory: &Path) -> Renames {
    let mut renames = vec![
        (workspace.root.clone(), "workspace".to_owned()),
        (target_directory.to_owned(), "target".to_owned()),
    ];
    renames.extend(toolchain.std_sources.iter().map(|folder| (folder.clone(), "std".to_owned())));
    renames.extend(registry_folders().into_iter().map(|folder| (folder, "registry".to_owned())));
    renames.extend(workspace.local_packages.iter().map(|(name, folder)| (folder.clone(), name.clone())));
    Renames::new(renames)
}

/// Where Cargo unpacks crates: a folder per registry, whose name holds a hash of its address.
fn registry_folders() -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .unwrap_or_default();
    let sources = home.join("registry/src");
    let registries = fs::read_dir(&sources).into_iter().flatten().flatten().map(|entry| entry.path());
    std::iter::once(sources.clone()).chain(registries).collect()
}

fn rustflags() -> Vec<String> {
    let image_base = format!("link-arg=--image-base={IMAGE_BASE:#010x}");
    let mut flags: Vec<String> = Vec::new();
    // The target has no atomics; a guest has one thread, so plain loads and stores are as good.
    for option in ["passes=lower-atomic", "panic=abort", "link-arg=--fatal-warnings", &image_base] {
        flags.extend(["-C".to_owned(), option.to_owned()]);
    }
    // No crate asks for the version; it makes Cargo compile anew what other flags, or another wrapper, compiled.
    for setting in ["getrandom_backend=\"custom\"", &format!("ivm_flags_version=\"{FLAGS_VERSION}\"")] {
        flags.extend(["--cfg".to_owned(), setting.to_owned()]);
    }
    flags
}

fn read_elf(program: &ProgramCrate, folder: &Path, renames: &Renames) -> Result<Vec<u8>> {
    let path = folder.join(&program.name);
    let elf = fs::read(&path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
    for path in renames.folders() {
        let bytes = path.as_os_str().as_encoded_bytes();
        if bytes.len() > 1 && elf.windows(bytes.len()).any(|window| window == bytes) {
            bail!(
                "{} holds the path {}, so its id would be another on another machine; \
                 look for `env!` or a build script that writes it",
                program.name,
                path.display()
            );
        }
    }
    Ok(elf)
}
