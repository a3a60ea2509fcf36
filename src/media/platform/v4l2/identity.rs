//! Which camera a node belongs to: numbers of nodes are given to whatever is plugged in next.

use super::{Node, is_ours};
use crate::core::inventory::plain_text;
use std::path::{Path, PathBuf};

/// What a camera is known by, whatever the number of its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraId {
    /// The driver's name for it.
    pub(super) name: String,
    /// Of USB: vendor, product and serial number; empty otherwise.
    usb: [String; 3],
    /// Which of a camera's nodes it is.
    index: String,
    /// Where it is plugged in: the device's place in /sys.
    port: PathBuf,
}

impl CameraId {
    pub(super) fn of(sysfs: &Path, node: &Node) -> Self {
        let folder = Path::new(&node.path).file_name().map(|name| sysfs.join(name)).unwrap_or_default();
        let port = std::fs::canonicalize(folder.join("device")).unwrap_or_default();
        let text = |path: PathBuf| plain_text(&std::fs::read_to_string(path).unwrap_or_default());
        // What V4L2 calls the device is one interface of USB's.
        let of_usb = |file: &str| port.parent().map(|usb| text(usb.join(file))).unwrap_or_default();
        Self {
            name: node.name.clone(),
            usb: ["idVendor", "idProduct", "serial"].map(of_usb),
            index: text(folder.join("index")),
            port,
        }
    }

    /// The node that it has now. Of several that are alike it is the one at the same place, or the only one that
    /// this process does not have already.
    pub(super) fn find(&self, sysfs: &Path, nodes: &[Node]) -> Option<Node> {
        let ids = nodes.iter().map(|node| (node, Self::of(sysfs, node)));
        let alike: Vec<_> = ids
            .filter(|(_, id)| (&id.name, &id.usb, &id.index) == (&self.name, &self.usb, &self.index))
            .collect();
        let same = alike.iter().find(|(_, id)| id.port == self.port);
        let same = same.or(match alike.as_slice() {
            [only] => Some(only).filter(|(node, _)| !is_ours(&node.path)),
            _ => None,
        });
        same.map(|(node, _)| (*node).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A /sys with USB cameras in ports, each with a picture's node and one of metadata, and one on no bus.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn sysfs(&self) -> PathBuf {
            self.0.path().join("class")
        }

        fn node(&self, number: u32, name: &str, index: u32, device: &Path) -> Node {
            let folder = self.sysfs().join(format!("video{number}"));
            fs::create_dir_all(&folder).unwrap();
            fs::create_dir_all(device).unwrap();
            fs::write(folder.join("index"), format!("{index}\n")).unwrap();
            symlink(device, folder.join("device")).unwrap();
            Node { path: format!("/nonexistent/video{number}"), name: name.into(), links: vec![] }
        }

        fn usb(&self, number: u32, port: &str, serial: &str, index: u32) -> Node {
            let interface = self.0.path().join(port).join("1:1.0");
            let node = self.node(number, "HD Webcam", index, &interface);
            for (file, value) in [("idVendor", "046d"), ("idProduct", "0825"), ("serial", serial)] {
                fs::write(self.0.path().join(port).join(file), value).unwrap();
            }
            node
        }

        fn platform(&self, number: u32, name: &str) -> Node {
            self.node(number, name, 0, &self.0.path().join("platform").join(name))
        }
    }

    #[track_caller]
    fn check(machine: &Machine, known: &CameraId, nodes: &[&Node], expected: Option<&Node>) {
        let nodes: Vec<Node> = nodes.iter().map(|node| (*node).clone()).collect();
        assert_eq!(known.find(&machine.sysfs(), &nodes).as_ref(), expected);
    }

    #[test]
    fn a_camera_is_known_by_its_serial_number_in_another_port_and_under_another_number() {
        let machine = Machine::new();
        let known = CameraId::of(&machine.sysfs(), &machine.usb(0, "usb1", "A", 0));
        let (moved, metadata) = (machine.usb(3, "usb7", "A", 0), machine.usb(4, "usb7", "A", 1));
        let other = machine.usb(5, "usb1b", "B", 0);
        check(&machine, &known, &[&other, &metadata, &moved], Some(&moved));
        check(&machine, &known, &[&other, &metadata], None);
    }

    #[test]
    fn of_cameras_that_are_alike_it_is_the_one_in_its_port() {
        let machine = Machine::new();
        let known = CameraId::of(&machine.sysfs(), &machine.usb(0, "usb1", "", 0));
        let again = machine.usb(3, "usb1", "", 0);
        let (twin, third) = (machine.usb(1, "usb2", "", 0), machine.usb(2, "usb3", "", 0));
        check(&machine, &known, &[&twin, &again], Some(&again));
        check(&machine, &known, &[&twin, &third], None);
        // In another port, and there is no other that it could be.
        check(&machine, &known, &[&twin], Some(&twin));
    }

    #[test]
    fn a_camera_on_no_bus_is_known_by_its_name_and_place() {
        let machine = Machine::new();
        let known = CameraId::of(&machine.sysfs(), &machine.platform(0, "vivid-000-vid-cap"));
        let again = machine.platform(1, "vivid-000-vid-cap");
        let other = machine.platform(2, "vivid-001-vid-cap");
        check(&machine, &known, &[&other, &again], Some(&again));
        check(&machine, &known, &[&other], None);
    }
}
