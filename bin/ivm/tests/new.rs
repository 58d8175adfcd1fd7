//! `ivm new`: what it creates works.

mod common;

use std::{fs, path::Path, process::Command};

use common::{command, fail, repository, succeed, text};

fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

fn create(folder: &Path) {
    succeed(["new", "price-feed", "--path", folder.to_str().expect("a path in UTF-8")]);
}

/// Lets cargo mend the new program's lock, and keeps that for the template.
fn update_lock(program: &Path) {
    run(Command::new("cargo").args(["metadata", "--offline", "--format-version", "1"]).current_dir(program));
    let lock = fs::read_to_string(program.join("Cargo.lock")).expect("a lock");
    let template = lock.replace("name = \"price-feed\"", "name = \"{{name}}\"");
    fs::write(repository().join("templates/program/Cargo.lock"), template).expect("the template's lock");
}

#[test]
fn a_new_program_passes_its_tests() {
    let folder = tempfile::tempdir().expect("temporary folder");
    create(folder.path());
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new");
    if std::env::var_os("IVM_UPDATE_TEMPLATE_LOCK").is_some() {
        update_lock(&folder.path().join("price-feed"));
    }
    run(Command::new("cargo")
        .args(["test", "--offline", "--locked"])
        .current_dir(folder.path().join("price-feed"))
        .env("CARGO_TARGET_DIR", target));
}

#[test]
fn a_new_contract_passes_its_tests() {
    let contracts = repository().join("contracts");
    let forge = contracts.join("node_modules/@foundry-rs/forge-linux-amd64/bin/forge");
    if !forge.is_file() {
        eprintln!("skipped: the contract was not compiled, as contracts/scripts/setup was not run");
        return;
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    create(folder.path());
    let forge = |arguments: &[&str]| {
        run(Command::new(&forge).args(arguments).arg("--root").arg(folder.path().join("price-feed")))
    };
    forge(&["fmt", "--check"]);
    let solc = contracts.join("scripts/solc");
    forge(&["test", "--offline", "--use", solc.to_str().expect("a path in UTF-8")]);
}

#[test]
fn names_and_folders_are_checked() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().to_str().expect("a path in UTF-8");
    for name in ["Price", "price_feed", "../price", "fn", "test", ""] {
        fail(["new", name, "--path", path], "name");
    }
    fs::create_dir(folder.path().join("there")).expect("temporary folder");
    fail(["new", "there", "--path", path], "is there already");
    let output = command(["new", "price-feed", "--path", path]).env("IVM_SDK_PATH", path).output();
    let output = output.expect("ivm starts");
    assert!(text(&output.stderr).contains("is not a checkout of InfinityVM"), "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else was created");
}
