//! Histories on a disk that fails, hangs, or is damaged.

use super::*;
use crate::core::ids::{ParticipantId, ViewerId};
use crate::core::principal::{Principal, Rights};
use crate::core::protocol::{Enter, Say};
use crate::core::room::{Asker, Moment, Request};

/// A room in which something was said, and a store for it.
struct Kept {
    rooms: Rooms,
    store: Store,
    config: Config,
    now: Instant,
    main: RoomName,
    _folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = crate::daemon::house::config("[room]\nhistory_file = true\n");
        config.state_dir = folder.path().to_owned();
        let mut rooms = Rooms::default();
        rooms.configure(config.room.as_ref().map(|room| room.settings.clone()));
        let mut store = Store::default();
        store.configure(&config, BTreeSet::new());
        let main = RoomName::new(MAIN).unwrap();
        let mut kept = Self { rooms, store, config, now: Instant::now(), main, _folder: folder };
        kept.ask(Request::Enter(Enter::default()));
        kept.say("Hello");
        kept
    }

    fn ask(&mut self, request: Request) {
        let principal = Principal::anyone(Rights::All);
        let asker = Asker { viewer: ViewerId(1), principal: &principal, secret: "s".into() };
        self.rooms.handle(Moment { now: self.now, time_ms: 0.0 }, asker, request);
    }

    fn say(&mut self, text: &str) {
        self.ask(Request::Say(Say { id: text.into(), text: text.into() }));
        self.store.changed(self.now, self.main.clone());
    }

    /// Lets it write when it is due, and waits for the end.
    fn write(&mut self) {
        self.now = self.store.due().unwrap();
        self.store.write(self.now, &self.rooms);
        if let Some(running) = &mut self.store.running {
            let failed = smol::block_on(running.end.recv()).unwrap();
            let (done, end) = async_channel::bounded(1);
            done.try_send(failed).unwrap();
            running.end = end;
        }
    }

    fn path(&self) -> PathBuf {
        path(&folder(&self.config.state_dir), &self.main)
    }

    /// What a next run would read.
    fn texts(&self) -> Vec<String> {
        let said = read(&self.config).said.into_iter().flat_map(|(_, said)| said);
        said.map(|said| said.text).collect()
    }
}

#[test]
fn what_could_not_be_written_is_written_later() {
    let mut kept = Kept::new();
    let folder = folder(&kept.config.state_dir);
    std::fs::write(&folder, "in the way").unwrap();
    kept.write();
    let begun = kept.now;
    // It is seen, and waits.
    kept.write();
    assert!(kept.store.running.is_none());
    assert_eq!(kept.store.due(), Some(begun + WRITE_EVERY + AGAIN_AFTER));
    std::fs::remove_file(&folder).unwrap();
    kept.write();
    assert_eq!(kept.texts(), ["Hello"]);
    kept.write();
    assert_eq!(kept.store.due(), None, "it is done");
}

#[test]
fn a_disk_that_hangs_holds_one_job_and_all_is_written_behind_it() {
    let mut kept = Kept::new();
    let (hangs, end) = async_channel::bounded(1);
    kept.store.running = Some(Running { rooms: BTreeSet::from([kept.main.clone()]), end });
    kept.store.changed.clear();
    for text in ["a", "b", "c"] {
        kept.say(text);
        kept.now = kept.store.due().unwrap();
        kept.store.write(kept.now, &kept.rooms);
        assert!(!kept.path().exists());
        assert_eq!(kept.store.due(), Some(kept.now + WRITE_EVERY));
    }
    let mut stop = Box::pin(kept.store.stop(&kept.rooms));
    assert!(smol::block_on(smol::future::poll_once(&mut stop)).is_none(), "it waits for the other");
    hangs.try_send(BTreeSet::from([kept.main.clone()])).unwrap();
    smol::block_on(stop);
    assert_eq!(kept.texts(), ["Hello", "a", "b", "c"]);
}

#[test]
fn a_damaged_file_is_set_aside_and_one_that_cannot_be_read_now_is_left_until_it_is_in_the_way() {
    let mut kept = Kept::new();
    kept.write();
    let (path, aside) = (kept.path(), kept.path().with_extension("unreadable"));
    for damaged in ["[{\"seq\":", "nonsense"] {
        std::fs::write(&path, damaged).unwrap();
        assert!(kept.texts().is_empty());
        assert!(!path.exists() && aside.exists(), "{damaged}");
        std::fs::remove_file(&aside).unwrap();
    }
    // Read as a file, it fails as one on a bad disk does.
    std::fs::create_dir(&path).unwrap();
    let histories = read(&kept.config);
    assert!(path.exists() && !aside.exists());
    assert_eq!(histories.unread, BTreeSet::from([kept.main.clone()]));
    kept.store.configure(&kept.config, histories.unread);
    kept.say("World");
    kept.write();
    assert!(aside.is_dir());
    assert_eq!(kept.texts(), ["Hello", "World"]);
    let said = &read(&kept.config).said[0].1;
    assert_eq!(said[0].from, ParticipantId(1));
}
