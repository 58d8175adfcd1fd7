//! Which programs a folder holds, and which sources make them, as `cargo metadata` tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use eyre::{Result, WrapErr, bail};
use serde::Deserialize;

use super::toolchain::TARGET;

/// The crate that makes a binary a program.
const SDK: &str = "ivm-guest";

/// A Cargo workspace, or a package on its own, that holds programs.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Its folder.
    pub(crate) root: PathBuf,
    /// Where Cargo puts what it builds.
    pub(crate) target_directory: PathBuf,
    /// All packages that lie in folders, in it or beside it: name and folder.
    pub(crate) local_packages: BTreeMap<String, PathBuf>,
    /// Its programs, by name.
    pub(crate) programs: Vec<ProgramCrate>,
}

/// A binary that depends on the SDK.
#[derive(Debug)]
pub(crate) struct ProgramCrate {
    /// Name of the binary, and so of the program.
    pub(crate) name: String,
    /// Name of its package.
    pub(crate) package: String,
    /// The packages it is made of that lie in folders (itself, the SDK, ...): name and folder.
    pub(crate) local_packages: BTreeMap<String, PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_members: BTreeSet<String>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

impl Workspace {
    /// Reads the workspace, or the one package of it, at `path`.
    ///
    /// # Errors
    /// When there is no package, Cargo refuses it, or no program is in it.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let manifest = path.join("Cargo.toml");
        let manifest = fs::canonicalize(&manifest)
            .wrap_err_with(|| format!("{} holds no package: cannot find its Cargo.toml", path.display()))?;
        let metadata = metadata(&manifest)?;
        let whole = manifest.parent() == Some(&metadata.workspace_root);
        let mut programs: Vec<_> = metadata
            .packages
            .iter()
            .filter(|package| metadata.workspace_members.contains(&package.id))
            .filter(|package| whole || package.manifest_path == manifest)
            .filter(|package| package.uses_sdk())
            .flat_map(|package| metadata.programs_of(package))
            .collect();
        programs.sort_by(|a, b| a.name.cmp(&b.name));
        if programs.is_empty() {
            bail!(
                "{} holds no program, which is a binary that depends on {SDK}; \
                 give the folder of one, or create one by `ivm new NAME`",
                path.display()
            );
        }
        let local_packages = metadata.packages.iter().filter_map(Package::local).collect();
        Ok(Self {
            root: metadata.workspace_root,
            target_directory: metadata.target_directory,
            local_packages,
            programs,
        })
    }
}

impl Metadata {
    fn programs_of(&self, package: &Package) -> impl Iterator<Item = ProgramCrate> {
        let local_packages = self.local_packages(package);
        let binaries = package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"));
        binaries.map(move |target| ProgramCrate {
            name: target.name.clone(),
            package: package.name.clone(),
            local_packages: local_packages.clone(),
        })
    }

    fn local_packages(&self, package: &Package) -> BTreeMap<String, PathBuf> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![package.id.as_str()];
        while let Some(id) = waiting.pop() {
            if reached.insert(id) {
                let node = self.resolve.nodes.iter().find(|node| node.id == id);
                waiting.extend(node.iter().flat_map(|node| &node.dependencies).map(String::as_str));
            }
        }
        self.packages
            .iter()
            .filter(|package| reached.contains(package.id.as_str()))
            .filter_map(Package::local)
            .collect()
    }
}

impl Package {
    fn uses_sdk(&self) -> bool {
        self.dependencies.iter().any(|dependency| dependency.name == SDK && dependency.kind.is_none())
    }

    /// Name and folder, of a package that is not from a registry.
    fn local(&self) -> Option<(String, PathBuf)> {
        let folder = self.manifest_path.parent().filter(|_| self.source.is_none())?;
        Some((self.name.clone(), folder.to_owned()))
    }
}

fn metadata(manifest: &Path) -> Result<Metadata> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version=1", "--filter-platform", TARGET, "--manifest-path"])
        .arg(manifest)
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .wrap_err("cannot run cargo, which tells what a folder holds; install Rust")?;
    if !output.status.success() {
        bail!(
            "{} cannot be read by cargo metadata:\n{}",
            manifest.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    serde_json::from_slice(&output.stdout).wrap_err("cargo metadata printed something unexpected")
}
