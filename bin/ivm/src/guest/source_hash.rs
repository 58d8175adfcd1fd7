//! What a program was built from, as one hash that is the same in every folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, Keccak256, keccak256};
use eyre::{Result, WrapErr};

use super::workspace::{ProgramCrate, Workspace};

/// keccak256 over all sources of a program, in the order of their names: `name ‖ 0 ‖ keccak256(file)` each.
///
/// Sources are the workspace's `Cargo.toml` and `Cargo.lock`, and of every package that lies in a folder (the program,
/// the SDK, ...) its `Cargo.toml`, its `build.rs` and all of `src`. Packages from a registry are pinned by the lock.
pub(crate) fn source_hash(workspace: &Workspace, program: &ProgramCrate) -> Result<B256> {
    let mut files = BTreeMap::new();
    for name in ["Cargo.toml", "Cargo.lock"] {
        files.insert(format!("workspace/{name}"), workspace.root.join(name));
    }
    for (package, folder) in &program.local_packages {
        files.insert(format!("{package}/Cargo.toml"), folder.join("Cargo.toml"));
        let build_script = folder.join("build.rs");
        if build_script.is_file() {
            files.insert(format!("{package}/build.rs"), build_script);
        }
        collect(&folder.join("src"), &format!("{package}/src"), &mut files)?;
    }
    let mut hasher = Keccak256::new();
    for (name, path) in files {
        let bytes = fs::read(&path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
        hasher.update(name.as_bytes());
        hasher.update([0]);
        hasher.update(keccak256(bytes));
    }
    Ok(hasher.finalize())
}

fn collect(folder: &Path, name: &str, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let cannot_read = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(folder).wrap_err_with(cannot_read)? {
        let path = entry.wrap_err_with(cannot_read)?.path();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{name}/{file_name}");
        if path.is_dir() {
            collect(&path, &name, files)?;
        } else {
            files.insert(name, path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::lock::Lock;

    /// Sources that were changed after the programs were built are found here, without the toolchain that builds them.
    #[test]
    fn locked_sources_of_the_bundled_programs_are_those_that_are_there() {
        let folder =
            Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../programs");
        let lock = Lock::read(&folder).expect("a readable lock").expect("the bundled programs are locked");
        let workspace = Workspace::read(&folder).expect("programs");
        for program in &workspace.programs {
            let locked = lock.program(&program.name).map(|program| program.source_hash);
            let got = source_hash(&workspace, program).expect("readable sources");
            assert_eq!(locked, Some(got), "{}: run `ivm build programs`, and commit", program.name);
        }
    }

    fn workspace_in(root: &Path, source: &str) -> B256 {
        let package = root.join("program");
        fs::create_dir_all(package.join("src/part")).expect("temporary folder");
        for (name, text) in [("Cargo.toml", "a"), ("Cargo.lock", "b"), ("program/Cargo.toml", "c")] {
            fs::write(root.join(name), text).expect("temporary file");
        }
        fs::write(package.join("src/part/mod.rs"), source).expect("temporary file");
        let program = ProgramCrate {
            name: "program".into(),
            package: "program".into(),
            local_packages: BTreeMap::from([("program".into(), package)]),
        };
        let workspace = Workspace {
            root: root.into(),
            target_directory: root.join("target"),
            local_packages: program.local_packages.clone(),
            programs: Vec::new(),
        };
        source_hash(&workspace, &program).expect("readable sources")
    }

    #[test]
    fn depends_on_sources_and_not_on_their_folder() {
        let folders = [(); 3].map(|()| tempfile::tempdir().expect("temporary folder"));
        let [here, there, changed] = &folders;
        assert_eq!(workspace_in(here.path(), "fn run() {}"), workspace_in(there.path(), "fn run() {}"));
        assert_ne!(workspace_in(here.path(), "fn run() {}"), workspace_in(changed.path(), "fn walk() {}"));
    }
}
