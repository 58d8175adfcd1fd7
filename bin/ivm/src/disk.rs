//! Space on the disk: a node stops while there is some left, so that none of its writes fails.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use eyre::{Result, WrapErr, bail};
use rustix::fs::statvfs;

/// Between looks at the disk: a busy node writes some 100 MB in it.
const INTERVAL: Duration = Duration::from_secs(1);
const BYTES_PER_MIB: u64 = 1024 * 1024;

/// How much a node leaves free.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DiskArgs {
    /// Stop when fewer mebibytes are free where the data is; 0 never does.
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    min_free_disk_mib: u64,
}

impl DiskArgs {
    /// Checks that there is enough.
    ///
    /// # Errors
    /// When there is not, or the disk does not tell.
    pub(crate) fn check(self, folder: &Path) -> Result<()> {
        if self.min_free_disk_mib == 0 {
            return Ok(());
        }
        let free_mib = free_bytes(folder)? / BYTES_PER_MIB;
        if free_mib < self.min_free_disk_mib {
            bail!(
                "{free_mib} MiB are free at {}, and a node stops below {} MiB, so that no write fails: free some space, or \
                 lower --min-free-disk-mib",
                folder.display(),
                self.min_free_disk_mib
            );
        }
        Ok(())
    }

    /// Waits until there is not enough any more; for ever where nothing is kept. Gives what to say then.
    pub(crate) async fn run_out(self, folder: Option<&PathBuf>) -> eyre::Report {
        self.run_out_looking_every(INTERVAL, folder).await
    }

    async fn run_out_looking_every(self, interval: Duration, folder: Option<&PathBuf>) -> eyre::Report {
        let Some(folder) = folder.filter(|_| self.min_free_disk_mib > 0) else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(interval).await;
            if let Err(error) = self.check(folder) {
                return error;
            }
        }
    }
}

/// Bytes that this user may still write to the file system of a folder, or of the folder that it will be made in.
fn free_bytes(folder: &Path) -> Result<u64> {
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let told =
        statvfs(there).wrap_err_with(|| format!("cannot tell how much is free at {}", there.display()))?;
    Ok(told.f_bavail.saturating_mul(told.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_told_before_the_folder_is_made() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let inside = folder.path().join("not/there/yet");
        let [there, not_yet] = [folder.path(), &inside].map(|path| free_bytes(path).expect("a disk"));
        assert!(there > 0 && not_yet > 0);
        assert!(free_bytes(Path::new("not-there-either")).expect("a disk") > 0);
    }

    #[tokio::test]
    async fn a_disk_that_has_run_out_is_noticed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().to_owned();
        let too_much = DiskArgs { min_free_disk_mib: u64::MAX };
        let often = Duration::from_millis(1);
        let said = too_much.run_out_looking_every(often, Some(&path)).await.to_string();
        assert!(said.contains("MiB are free at") && said.contains("--min-free-disk-mib"), "{said}");
        let nothing = DiskArgs { min_free_disk_mib: 0 };
        for (disk, folder) in [(nothing, Some(&path)), (too_much, None)] {
            let never = disk.run_out_looking_every(often, folder);
            assert!(tokio::time::timeout(often * 20, never).await.is_err());
        }
        assert!(nothing.check(&path).is_ok());
    }
}
