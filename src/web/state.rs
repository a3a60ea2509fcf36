//! The state folder: small files that only the daemon's user may read.
//!
//! Files are written whole or not at all: under another name first, then renamed.

use super::error::Error;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// Makes a folder and those above it, for this user alone. One that is there stays as it is.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| Error::State {
        action: "make the folder",
        path: path.into(),
        source,
    })
}

/// Writes a file that only this user may read, in place of the one that is there.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let fresh = path.with_extension("new");
    let write = || -> io::Result<()> {
        // One that an interrupted start has left.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        // Root writes for the service, whose folder it is.
        if let Some(folder) = path.parent().map(fs::metadata).transpose()?
            && file.metadata()?.uid() == 0
            && folder.uid() != 0
        {
            fchown(&file, Some(folder.uid()), Some(folder.gid()))?;
        }
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|source| Error::State { action: "write", path: path.into(), source })
}

/// Writes what is kept as JSON; where nothing is, there is no file.
pub(crate) fn write_json(path: &Path, kept: Option<&impl Serialize>) -> Result<(), Error> {
    let failed = |action| move |source| Error::State { action, path: path.into(), source };
    let Some(kept) = kept else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("delete")(error)),
            _ => Ok(()),
        };
    };
    let text = serde_json::to_vec(kept).map_err(|error| failed("write")(error.into()))?;
    write_private(path, &text)
}

/// The file's content, or, when there is none, what `make` gives, written first. A file that
/// others may read is named in the log.
pub(crate) fn read_or_make(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    match fs::read(path) {
        Ok(content) => {
            warn_if_others_may_read(path);
            Ok(content)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                make_folder(folder)?;
            }
            let content = make()?;
            write_private(path, &content)?;
            Ok(content)
        }
        Err(source) => Err(Error::State { action: "read", path: path.into(), source }),
    }
}

pub(crate) fn warn_if_others_may_read(path: &Path) {
    if let Ok(metadata) = fs::metadata(path)
        && metadata.permissions().mode() & 0o077 != 0
    {
        tracing::warn!(file = %path.display(), "other users may read this secret; chmod 600 it");
    }
}

/// 32 bytes from the system's random number generator.
pub(crate) fn random_bytes() -> Result<[u8; 32], Error> {
    random()
}

/// So many bytes from the system's random number generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_and_folders_are_for_this_user_alone() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("a/b");
        let file = folder.join("secret");
        assert_eq!(read_or_make(&file, || Ok(b"one".into())).unwrap(), b"one");
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        assert_eq!(read_or_make(&file, || unreachable!()).unwrap(), b"one");
        write_private(&file, b"two").unwrap();
        assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"two".to_vec(), 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn an_interrupted_write_is_no_obstacle() {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("secret");
        fs::write(state.path().join("secret.new"), "half").unwrap();
        write_private(&file, b"whole").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"whole");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("file"), "").unwrap();
        let error = read_or_make(&state.path().join("file/token"), || Ok(vec![])).unwrap_err().to_string();
        assert!(error.contains("file/token") && error.contains("state_dir"), "{error}");
    }
}
