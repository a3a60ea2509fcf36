//! `vitrina invite` and the running daemon.

use crate::client::Client;
use crate::process::{Daemon, SOURCES};
use serde_json::json;

#[test]
fn an_invitation_is_made_listed_used_and_taken_back() {
    let daemon = Daemon::start_with("", SOURCES, &[]);
    let made =
        daemon.told(&["invite", "--source", "camera", "--expires", "2h", "--uses", "1", "--name", "Ana"]);
    let (line, link) = made.trim_end().split_once('\n').unwrap();
    let id = line.split(' ').next().unwrap();
    assert_eq!(line, format!("{id}  viewer of camera, used 0 of 1 times, for another 2 h: Ana"));
    let token = link.split_once("/#invite=").unwrap().1;

    let mut ana = Client::try_connect(daemon.address, Some(token)).unwrap();
    let welcome = ana.hello();
    let sources = welcome["sources"].as_array().unwrap();
    assert_eq!((sources.len(), &sources[0]["name"]), (1, &json!("camera")));
    assert!(Client::try_connect(daemon.address, Some(token)).is_none(), "used up");
    let listed = daemon.told(&["invite", "--list"]);
    assert!(listed.starts_with(&format!("{id}  viewer of camera, used 1 of 1 times")), "{listed}");

    assert_eq!(daemon.told(&["invite", "--revoke", id]), format!("{id} lets nobody in any more\n"));
    assert_eq!(ana.expect("bye")["reason"], "revoked");
    assert!(ana.next().is_none());
    assert_eq!(daemon.told(&["invite", "--list"]), "there is no invitation\n");

    for (arguments, complaint) in [
        (&["invite", "--revoke", id][..], "There is no invitation"),
        (&["invite", "--source", "garden"], "There is no source 'garden' here."),
        (&["invite", "--expires", "1s"], "from a minute to 30 days"),
        (&["invite", "--expires", "soon"], "90m, 2h or 7d"),
        (&["invite", "--role", "admin"], "viewer, participant"),
    ] {
        let refused = daemon.command(arguments);
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && told.contains(complaint), "{told}");
    }
    assert!(!daemon.log().contains(token));
}
