//! What a viewer sees on links of all sorts.

use super::network::{Link, link};
use super::session::{Mode, RUNGS, Session};

fn one(link: Link) -> Session {
    Session::new(link, &[&RUNGS])
}

#[test]
fn explore() {
    for mode in [Mode::Packets, Mode::Remb, Mode::Reports] {
        for kbps in [100_000, 5000, 2000, 1000, 500] {
            for queue_ms in [100, 300, 1000] {
                let mut session = one(Link { queue_ms, ..link(kbps) });
                session.mode = mode;
                session.run_to(64_000);
                let e = session.congestion.estimate(session.instant());
                println!("{mode:?} {kbps} q{queue_ms}: rung {:?} switches {:?} freeze4 {} worst queue {} deliv {} unfit {} cap {:?} {:?} loss {:.3}",
                    session.rungs(), session.switches, session.freeze(0, 4000, 64_000), session.worst_queue / 1000,
                    session.delivered * 8 / 64_000, session.unfit, e.capacity.map(|c| c.kbps()), e.state, e.loss);
            }
        }
    }
}
