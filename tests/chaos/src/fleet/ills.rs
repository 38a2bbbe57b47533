//! What is done to the database, and to the wires to it.

use std::time::Duration;

use super::Fleet;
use crate::database::Host;
use crate::member::{Fate, Member, Outage, What, moment};
use crate::nemesis::Ill;

impl<H: Host> Fleet<H> {
    /// Writes down whose wire suffered `ill`, if there was one.
    pub(super) fn lost_wire(&mut self, ill: Ill, lost: Option<(Fate, Option<Outage>)>) {
        let Some((fate, outage)) = lost else { return };
        self.fates.push(fate);
        self.outages.extend(outage);
        self.ills.push(ill);
    }

    /// Something happens to the database that everybody feels.
    pub(super) async fn fall_ill(&mut self, ill: Ill, lasts: Duration) -> anyhow::Result<()> {
        let from = moment();
        if ill != Ill::Exhaust {
            let fates = self.members().map(|member| Fate { pid: member.pid(), what: What::Cut, at: from });
            let fates: Vec<Fate> = fates.collect();
            self.fates.extend(fates);
        }
        self.host.suffer(ill, lasts).await?;
        self.outages.push(Outage { pid: None, from, to: moment(), ill });
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
