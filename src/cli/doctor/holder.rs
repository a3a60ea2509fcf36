//! Which program has a port, as far as this user may see: by `/proc`.

use std::fs;
use std::path::Path;

/// Which kind of port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

/// A program that has a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) pid: u32,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)
    }
}

/// Who listens on the port, for any address. `None` also where that is another user's program.
pub(super) fn of(protocol: Protocol, port: u16) -> Option<Holder> {
    let files = match protocol {
        Protocol::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
        Protocol::Udp => ["/proc/net/udp", "/proc/net/udp6"],
    };
    let tables = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    let sockets: Vec<String> = tables.flat_map(|table| sockets(&table, protocol, port)).collect();
    if sockets.is_empty() {
        return None;
    }
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        has_one(&entry.path(), &sockets).then(|| {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            Holder { name: name.trim().to_owned(), pid }
        })
    })
}

fn has_one(process: &Path, sockets: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    let mut targets = descriptors.flatten().filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
    targets.any(|target| target.to_str().is_some_and(|target| sockets.iter().any(|socket| socket == target)))
}

/// The sockets of a table of `/proc/net` that have the port, as links to them read: `socket:[INODE]`.
fn sockets(table: &str, protocol: Protocol, port: u16) -> Vec<String> {
    const LISTENS: &str = "0A";
    let socket = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (_, hexadecimal) = words.get(1)?.rsplit_once(':')?;
        let has_it = u16::from_str_radix(hexadecimal, 16) == Ok(port);
        let listens = protocol == Protocol::Udp || words.get(3) == Some(&LISTENS);
        (has_it && listens).then_some(format!("socket:[{}]", words.get(9)?))
    };
    table.lines().skip(1).filter_map(socket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    #[test]
    fn the_program_that_has_a_port_is_named() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("[::1]:0").or_else(|_| UdpSocket::bind("127.0.0.1:0")).unwrap();
        for (protocol, port) in [
            (Protocol::Tcp, tcp.local_addr().unwrap().port()),
            (Protocol::Udp, udp.local_addr().unwrap().port()),
        ] {
            let holder = of(protocol, port).unwrap();
            assert_eq!(holder.pid, std::process::id(), "{holder}");
            assert!(!holder.name.is_empty(), "{holder:?}");
        }
    }

    #[test]
    fn who_only_has_a_connection_from_a_port_does_not_hold_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(of(Protocol::Tcp, client.local_addr().unwrap().port()), None);
    }
}
