//! What operators are shown wrongly: I2, T5.

use std::collections::HashSet;

use signals_core::Result;
use signals_core::delivery::{DeliveryId, State};
use signals_core::store::{Bucket, Count, Counts, DeliveryDetail, DeliverySummary, Filter, Found, Page, Span, Trends};

use super::defects::Defect;
use super::store::WrongStore;

impl WrongStore {
    pub(super) async fn list_wrongly(&self, filter: &Filter) -> Result<Page> {
        let mut filter = self.asked(filter);
        if self.is(Defect::ListsWhateverFailed) {
            filter.error = None;
        }
        let mut page = self.inner.list(&filter).await?;
        page.next = page.next.filter(|_| !self.is(Defect::ListsOnePage));
        if self.is(Defect::PagesOverlap)
            && let Some(after) = filter.after
            && let Some(seen) = self.inner.get(after).await?
        {
            page.deliveries.insert(0, seen.summary);
            page.deliveries.truncate(filter.page());
        }
        if self.is(Defect::ListsTheOldestFirst) {
            page.deliveries.reverse();
        }
        let mut signals = HashSet::new();
        page.deliveries.retain(|delivery| {
            let first = signals.insert(delivery.id.signal);
            first || !self.is(Defect::DeliversToOneReceiverAlone)
        });
        page.deliveries.retain(|delivery| !self.is_hidden(delivery));
        page.deliveries.iter_mut().for_each(|delivery| self.misdescribe(delivery));
        Ok(page)
    }

    pub(super) async fn find_wrongly(&self, filter: &Filter, limit: usize) -> Result<Found> {
        let mut filter = self.asked(filter);
        if self.is(Defect::FindsWhateverFailed) {
            filter.error = None;
        }
        if self.is(Defect::FindsFromTheStart) {
            filter.after = None;
        }
        let mut found = self.inner.find(&filter, limit).await?;
        found.next = found.next.filter(|_| !self.is(Defect::FindsOnePage));
        Ok(found)
    }

    fn asked(&self, filter: &Filter) -> Filter {
        let mut filter = filter.clone();
        if self.is(Defect::IgnoresFilters) {
            (filter.states, filter.receiver, filter.signal) = (Vec::new(), None, None);
        }
        if self.is(Defect::IgnoresAges) {
            (filter.older_than, filter.younger_than) = (None, None);
        }
        if self.is(Defect::MatchesTextAsAPattern) {
            filter.error = filter.error.map(|text| text.replace(['%', '_'], ""));
        }
        filter
    }

    pub(super) async fn trends_wrongly(&self, span: &Span) -> Result<Trends> {
        let mut trends = self.inner.trends(span).await?;
        if self.is(Defect::TellsVersionsApart) {
            trends.receivers = trends.receivers.iter().flat_map(|one| [one.clone(), one.clone()]).collect();
        }
        for receiver in &mut trends.receivers {
            if self.is(Defect::TellsOldNewsAsNew) {
                receiver.buckets.reverse();
            }
            if self.is(Defect::TellsNoFailures) {
                receiver.buckets.iter_mut().for_each(|bucket: &mut Bucket| bucket.failed.clear());
            }
        }
        Ok(trends)
    }

    pub(super) async fn get_wrongly(&self, delivery: DeliveryId) -> Result<Option<DeliveryDetail>> {
        let found = self.inner.get(delivery).await?;
        Ok(found.filter(|detail| !self.is_hidden(&detail.summary)).map(|mut detail| {
            self.misdescribe(&mut detail.summary);
            if self.is(Defect::RecordsNoAttempts) {
                detail.attempts.clear();
            }
            if self.is(Defect::ForgetsEarlierLives) {
                let life = detail.summary.life;
                detail.attempts.retain(|attempt| attempt.life == life);
            }
            if self.is(Defect::BuriesWithoutPayload) && detail.summary.state == State::Dead
                || self.backend.shared.memory().forgot
            {
                detail.signal = None;
            }
            detail
        }))
    }

    pub(super) async fn counts_wrongly(&self) -> Result<Counts> {
        let mut counts = self.inner.counts().await?;
        for lane in &mut counts.lanes {
            if self.is(Defect::CountsTheScheduledAsReady) {
                lane.ready = Count(lane.ready.0 + lane.scheduled.0);
            }
            if self.is(Defect::CountsVersionsAsOne) {
                lane.lane.version = 1;
            }
            if self.is(Defect::ForgetsTheOldest) {
                lane.oldest = None;
            }
            if self.is(Defect::CountsWaitingAsDue) {
                lane.due_since = lane.oldest;
            }
        }
        if self.is(Defect::CountsTheBusyAlone) {
            counts.lanes.retain(signals_core::store::LaneCounts::has_pending);
        }
        Ok(counts)
    }

    /// Whether the defect is that this delivery is not there.
    fn is_hidden(&self, delivery: &DeliverySummary) -> bool {
        let memory = self.backend.shared.memory();
        let linked = memory.linked.get(&delivery.id.signal);
        self.is(Defect::ReachesLinkedReceiversAlone)
            && linked.is_some_and(|linked| !linked.contains(&*delivery.receiver))
    }

    fn misdescribe(&self, delivery: &mut DeliverySummary) {
        if self.is(Defect::ForgetsWhoDecided) {
            delivery.actor = None;
        }
        if self.is(Defect::ForgetsWhoRuns) {
            delivery.worker = None;
        }
    }
}
