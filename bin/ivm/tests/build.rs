//! `ivm build`. Where no toolchain can build programs, the tests that build say so and pass.
//!
//! The first run compiles std for the zkVM, about a minute; later ones take seconds.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{command, fail, ivm, json, repository, succeed, text};
use toml::Table;

/// Builds, into a target folder that these tests share; `false` when there is no toolchain.
fn build(folder: &Path) -> bool {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let output = command([Path::new("build"), folder]).env("CARGO_TARGET_DIR", target).output();
    let output = output.expect("ivm starts");
    let stderr = text(&output.stderr);
    if stderr.contains("no toolchain can build programs") {
        eprintln!("skipped: nothing was built, as there is no toolchain for it");
        return false;
    }
    assert!(output.status.success(), "{stderr}");
    true
}

fn lock_in(folder: &Path) -> Table {
    let text = fs::read_to_string(folder.join("programs.lock")).expect("a lock");
    toml::from_str(&text).expect("TOML")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("temporary folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a folder's entry");
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs::copy(&path, &copied).expect("a copy");
        }
    }
}

#[test]
fn the_folder_does_not_matter() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (here, there) = (repository(), folder.path().join("some/where/else"));
    for part in ["programs", "crates/guest", "crates/primitives"] {
        copy(&here.join(part), &there.join(part));
    }
    fs::copy(here.join("Cargo.toml"), there.join("Cargo.toml")).expect("a copy");
    let programs = there.join("programs");
    fs::remove_file(programs.join("programs.lock")).expect("the copied lock");
    // Two of them: `ivm build programs --check` compares them all, and takes minutes.
    for name in ["square-root", "workloads"] {
        if !build(&programs.join(name)) {
            return;
        }
    }
    let (committed, built) = (lock_in(&here.join("programs")), lock_in(&programs));
    if committed["toolchain"] != built["toolchain"] {
        eprintln!("skipped: programs were not compared, as the pinned toolchain is not here");
        return;
    }
    let programs_of = |lock: &Table| lock["program"].as_array().expect("programs").clone();
    let (committed, built) = (programs_of(&committed), programs_of(&built));
    assert_eq!(built.len(), 2);
    for program in built {
        assert!(committed.contains(&program), "{program}: run `ivm build programs`, and commit");
    }
}

#[test]
fn a_new_program_builds_and_runs() {
    let folder = tempfile::tempdir().expect("temporary folder");
    succeed(["new", "price-feed", "--path", folder.path().to_str().expect("a path in UTF-8")]);
    let program = folder.path().join("price-feed");
    if !build(&program) {
        return;
    }
    let elf = program.join("elf/price-feed.elf");
    let words = [32_u64, 3, 10, 20, 31].map(|word| format!("{word:064x}")).concat();
    let mean =
        json(["program", "run", elf.to_str().expect("a path in UTF-8"), "--onchain-input", &words, "--json"]);
    assert_eq!(mean["output"], format!("0x{:064x}", 20));
    assert_eq!(lock_in(&program)["program"][0]["program_id"].as_str(), mean["program_id"].as_str());
}

#[test]
fn a_check_needs_the_pinned_toolchain_and_says_so() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let programs = repository().join("programs");
    let out = folder.path();
    copy(&programs.join("elf"), &out.join("elf"));
    let lock = fs::read_to_string(programs.join("programs.lock")).expect("a committed lock");
    let check = || -> [PathBuf; 5] {
        ["build".into(), programs.clone(), "--check".into(), "--out".into(), out.to_owned()]
    };
    fail(check(), "run `ivm build` first");

    let other = lock.replace("rustc = \"rustc ", "rustc = \"rustc of another world, ");
    fs::write(out.join("programs.lock"), other).expect("temporary file");
    let output = ivm(check());
    assert!(output.status.success() && text(&output.stdout).starts_with("skipped: "), "{output:?}");

    fs::write(out.join("elf/echo.elf"), "another").expect("temporary file");
    fail(check(), "echo.elf has hash");
    fs::write(out.join("programs.lock"), "no lock").expect("temporary file");
    fail(check(), "is not a lock");
}

#[test]
fn folders_without_programs() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fail([Path::new("build"), folder.path()], "cannot find its Cargo.toml");
    fail([Path::new("build"), &repository().join("crates/primitives")], "holds no program");
}
