//! What is done to the database, and to the wires to it.

use std::time::Duration;

use super::{Fleet, start};
use crate::database::Host;
use crate::member::{Fate, Member, Outage, What, moment};
use crate::nemesis::{Ill, Victim};

impl<H: Host> Fleet<H> {
    /// Writes down whose wire suffered `ill`, if there was one.
    pub(super) fn lost_wire(&mut self, ill: Ill, lost: Option<(Fate, Option<Outage>)>) {
        let Some((fate, outage)) = lost else { return };
        self.fates.push(fate);
        self.outages.extend(outage);
        self.ills.push(ill);
    }

    /// Something happens to the database that everybody feels. In the middle of it one process is killed `meanwhile`, and another
    /// begins in its place, which finds no database.
    pub(super) async fn fall_ill(
        &mut self,
        ill: Ill,
        lasts: Duration,
        meanwhile: Option<Victim>,
    ) -> anyhow::Result<()> {
        let way = self.host.way().await?;
        let from = moment();
        if ill != Ill::Exhaust {
            let fates = self.members().map(|member| Fate { pid: member.pid(), what: What::Cut, at: from });
            let fates: Vec<Fate> = fates.collect();
            self.fates.extend(fates);
        }
        let Self { host, files, seed, workers, senders, fates, .. } = self;
        let suffering = async {
            host.suffer(ill, lasts).await?;
            anyhow::Ok(moment())
        };
        let killing = async {
            // tidy: not a wait: the moment of the kill
            tokio::time::sleep(lasts / 2).await;
            match meanwhile {
                Some(Victim::Worker(slot)) => {
                    fates.push(workers[slot].kill()?);
                    workers[slot] = start::worker::<H::Database>(files, way)?;
                }
                Some(Victim::Sender(slot)) => {
                    fates.push(senders[slot].kill()?);
                    senders[slot] = start::sender::<H::Database>(files, way, slot, *seed)?;
                }
                Some(Victim::Database) | None => {}
            }
            anyhow::Ok(())
        };
        let (over, killed) = tokio::join!(suffering, killing);
        killed?;
        self.outages.push(Outage { pid: None, from, to: over?, ill });
        self.ills.push(ill);
        Ok(())
    }
}

/// The member in this place, or the next that is in no black hole.
pub(super) fn in_no_hole(members: &mut [Member], slot: usize) -> Option<&mut Member> {
    let count = members.len();
    let free = (slot..slot + count).map(|place| place % count).find(|place| !members[*place].is_in_hole())?;
    members.get_mut(free)
}
