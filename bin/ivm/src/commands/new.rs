//! `ivm new`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use clap::Args;
use eyre::{Result, WrapErr, bail, ensure};

/// The template: where each file goes, and its text.
const TEMPLATE: [(&str, &str); 7] = [
    (".gitignore", include_str!("../../../../templates/program/gitignore")),
    ("Cargo.toml", include_str!("../../../../templates/program/Cargo.toml")),
    ("README.md", include_str!("../../../../templates/program/README.md")),
    (
        "contracts/{{contract}}Consumer.sol",
        include_str!("../../../../templates/program/contracts/Consumer.sol"),
    ),
    ("foundry.toml", include_str!("../../../../templates/program/foundry.toml")),
    ("src/main.rs", include_str!("../../../../templates/program/src/main.rs")),
    ("test/{{contract}}Consumer.t.sol", include_str!("../../../../templates/program/test/Consumer.t.sol")),
];

/// The lock of a new program: what the SDK needs, in the versions that the bundled programs are built with.
const CARGO_LOCK: &str = include_str!("../../../../templates/program/Cargo.lock");

/// Where this binary was built from. It serves as the SDK only while it is there.
const BUILT_FROM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Longest name, in characters.
const MAX_NAME_LENGTH: usize = 64;

/// Names that Rust or Cargo would refuse.
const RESERVED_NAMES: &str = "abstract alloc as async await become box break build const continue core crate deps do dyn \
     else enum examples extern false final fn for gen if impl in incremental ivm-guest ivm-primitives let loop macro match \
     mod move mut override priv proc-macro pub ref return self static std struct super test trait true try type typeof \
     unsafe unsized use virtual where while yield";

/// Create a program with its consumer contract and tests.
///
/// It depends on the InfinityVM checkout that $IVM_SDK_PATH names; without it, on the one this binary was built from.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Name of the program: lower-case words joined by hyphens
    name: String,

    /// Folder to create it in
    #[arg(long, value_name = "DIR", default_value = ".")]
    path: PathBuf,

    /// Checkout of InfinityVM to depend on
    #[arg(long, env = "IVM_SDK_PATH", value_name = "DIR")]
    sdk: Option<PathBuf>,
}

impl NewArgs {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        check_name(&self.name)?;
        let folder = self.path.join(&self.name);
        ensure!(
            !folder.exists(),
            "{} is there already; choose another name, or another folder with --path",
            folder.display()
        );
        let sdk = find_sdk(self.sdk.as_deref())?;
        let contract = pascal_case(&self.name);
        let fill = |text: &str| {
            text.replace("{{name}}", &self.name).replace("{{contract}}", &contract).replace("{{sdk}}", &sdk)
        };
        for (name, text) in TEMPLATE {
            write(&folder.join(fill(name)), &fill(text))?;
        }
        write(&folder.join("Cargo.lock"), &cargo_lock(&self.name))?;
        println!("created       {}", folder.display());
        println!("next          cd {} && cargo test && ivm build", folder.display());
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).wrap_err_with(|| format!("cannot create {}", folder.display()))?;
    fs::write(path, text).wrap_err_with(|| format!("cannot write {}", path.display()))
}

fn check_name(name: &str) -> Result<()> {
    let words_are_fine = name
        .split('-')
        .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    ensure!(
        words_are_fine && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= MAX_NAME_LENGTH,
        "{name:?} is not a program's name; expected up to {MAX_NAME_LENGTH} characters, lower-case words and digits \
         joined by hyphens, a letter first, like price-feed"
    );
    ensure!(
        !RESERVED_NAMES.split_whitespace().any(|reserved| reserved == name),
        "{name:?} means something to Rust or Cargo; choose another name"
    );
    Ok(())
}

fn pascal_case(name: &str) -> String {
    let capitalise = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(capitalise).collect()
}

/// The checkout to depend on, as an absolute path that may stand in a TOML string.
fn find_sdk(given: Option<&Path>) -> Result<String> {
    let path = given.unwrap_or(Path::new(BUILT_FROM));
    let is_checkout =
        path.join("crates/guest/Cargo.toml").is_file() && path.join("contracts/src/Consumer.sol").is_file();
    if !is_checkout {
        bail!(
            "{} is not a checkout of InfinityVM; clone it, and name its folder with --sdk or IVM_SDK_PATH",
            path.display()
        );
    }
    let path = fs::canonicalize(path).wrap_err_with(|| format!("cannot resolve {}", path.display()))?;
    match path.to_str() {
        Some(text) if !text.contains(['"', '\\', '\n']) => Ok(text.to_owned()),
        _ => bail!("the path {} cannot stand in Cargo.toml; move the checkout", path.display()),
    }
}

fn cargo_lock(name: &str) -> String {
    CARGO_LOCK.replace("{{name}}", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "price-feed", "sha2-chain", "x9"] {
            check_name(name).expect("a fine name");
        }
        for name in [
            "",
            "-",
            "a-",
            "-a",
            "a--b",
            "Price",
            "price_feed",
            "9lives",
            "fn",
            "self",
            "test",
            "a/b",
            "é",
            "ivm-guest",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name(&"a".repeat(MAX_NAME_LENGTH + 1)).is_err());
        assert_eq!(pascal_case("price-feed-2"), "PriceFeed2");
    }

    #[test]
    fn the_lock_holds_the_new_program() {
        let lock = cargo_lock("price-feed");
        assert!(lock.contains("name = \"price-feed\"") && lock.contains("name = \"ivm-guest\""));
        assert!(!lock.contains("{{"));
    }

    #[test]
    fn a_new_program_starts_from_the_versions_of_the_bundled() {
        let bundled = include_str!("../../../../programs/Cargo.lock");
        let checksums = CARGO_LOCK.lines().filter(|line| line.starts_with("checksum"));
        assert!(checksums.clone().count() > 50);
        for checksum in checksums {
            assert!(
                bundled.contains(checksum),
                "{checksum}: see CONTRIBUTING.md for how the lock is renewed"
            );
        }
    }
}
