//! What a package adds to the program: manual pages, and completions for shells. Both are made of
//! the command line as it is defined, so they cannot say anything else.

use super::Cli;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// The first page's end, which the command line does not know.
const FILES: &str = r".SH FILES
.TP
\fI~/.config/vitrina/vitrina.toml\fR, \fI/etc/vitrina/vitrina.toml\fR
The configuration: the first that is there. Without one, the sources are found.
.TP
\fI/var/lib/vitrina\fR, \fI~/.local/state/vitrina\fR
The state folder of the system's service, and of a person's: token, certificate, accounts.
.TP
\fI/usr/share/doc/vitrina\fR
The manual, and the configuration with every key explained.
.SH EXIT STATUS
0: done. 1: failed. 2: the command line or the configuration has mistakes.
.SH SEE ALSO
\fBsystemctl\fR(1), \fBjournalctl\fR(1)
";

/// Writes them into a folder, which is made if it is not there: `vitrina.1` with a page for each
/// command, `vitrina.bash`, `_vitrina` for zsh, `vitrina.fish`.
///
/// # Errors
///
/// The folder or a file in it cannot be written.
pub fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    OpenOptions::new().append(true).open(folder.join("vitrina.1"))?.write_all(FILES.as_bytes())?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "vitrina", folder)?;
    }
    Ok(())
}
