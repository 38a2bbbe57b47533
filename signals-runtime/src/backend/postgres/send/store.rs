//! What stores a run of signals. An ordinary one is stored by the row of the registry that has all that a send must know;
//! what has keys or delays, or what that row does not know of, by the registry's tables.

use std::collections::HashSet;
use std::str;
use std::sync::Arc;

use signals_core::clock::micros;
use signals_core::delivery::{Counters, SignalId};
use signals_core::store::{Claimed, Held, SendClaim, StoredSignal};
use signals_core::{Due, Error, Outgoing, Receipt, Result, SendBatch};
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use sqlx::{PgConnection, Postgres};

use super::super::time::{Moment, span};
use super::super::{error, rows, sql};
use super::{Receipts, hash};

/// A statement that answers with rows of `O`.
type Query<'q, O> = QueryAs<'q, Postgres, O, PgArguments>;

/// What a send answers that claims: as one that does not, and when it was sent, whose deliveries are claimed, and their ids.
type StoredAndClaimed = (i64, i64, bool, Moment, Vec<i64>, Vec<i64>);

/// Signals of one type that are due at the same time.
pub(super) struct Run<'b> {
    batch: &'b SendBatch,
    /// Where they stand in the batch; never empty.
    places: &'b [usize],
    payloads: Vec<&'b str>,
    /// All names of the receivers that are linked into the sender.
    linked: Vec<&'b str>,
}

impl<'b> Run<'b> {
    pub(super) fn new(batch: &'b SendBatch, places: &'b [usize]) -> Result<Self> {
        let payload = |&at: &usize| str::from_utf8(&batch.signals[at].payload).map_err(error::foreign);
        let signal = batch.signals[places[0]].def.name;
        Ok(Self {
            batch,
            places,
            payloads: places.iter().map(payload).collect::<Result<_>>()?,
            linked: batch.context.registry.receivers_of(signal).flat_map(|receiver| receiver.names()).collect(),
        })
    }

    /// What all of them have in common is the first one's.
    fn first(&self) -> &'b Outgoing {
        &self.batch.signals[self.places[0]]
    }

    /// Whether they have neither keys nor delays.
    pub(super) fn is_plain(&self) -> bool {
        self.first().due == Due::Now && self.places.iter().all(|&at| self.batch.signals[at].key.is_none())
    }

    /// Stores what is plain. Answers `false`, and has stored nothing, when one of the names is not in the registry's row:
    /// whether that is an error [`store_with`](Self::store_with) finds out.
    pub(super) async fn store(&self, conn: &mut PgConnection, receipts: &mut Receipts) -> Result<bool> {
        let stored = if let [payload] = self.payloads[..] {
            let one = match &self.batch.context.claim {
                Some(claim) => self.store_claimed(conn, payload, claim, &mut receipts.claimed).await?,
                None => {
                    let one = self.bind_known(sqlx::query_as(sql::SEND)).bind(payload).fetch_optional(conn);
                    one.await.map_err(error::of)?
                }
            };
            one.map(|(id, deliveries, in_transaction): (i64, i64, bool)| {
                receipts.in_transaction |= in_transaction;
                (vec![id], deliveries)
            })
        } else {
            let all = self.bind_known(sqlx::query_as(sql::SEND_ALL)).bind(&self.payloads);
            all.fetch_optional(conn).await.map_err(error::of)?
        };
        let Some((ids, deliveries)) = stored else { return Ok(false) };
        let deliveries = usize::try_from(deliveries).map_err(error::foreign)?;
        for (&at, id) in self.places.iter().zip(ids) {
            receipts.at[at] = Some(Receipt::stored(SignalId(id), deliveries));
        }
        Ok(true)
    }

    /// Stores one signal, and claims what `claim` asks for, into `claimed`.
    async fn store_claimed(
        &self,
        conn: &mut PgConnection,
        payload: &str,
        claim: &SendClaim,
        claimed: &mut Vec<Claimed>,
    ) -> Result<Option<(i64, i64, bool)>> {
        let receivers: Vec<i64> = claim.lanes.iter().map(|lane| lane.receiver.0).collect();
        let query = self.bind_known(sqlx::query_as(sql::SEND_CLAIMED)).bind(payload).bind(&receivers);
        let query = query.bind(rows::token_bits(claim.token)).bind(span(claim.lease));
        let stored: Option<StoredAndClaimed> = query.fetch_optional(conn).await.map_err(error::of)?;
        let Some((id, deliveries, in_transaction, Moment(sent_at), receivers, positions)) = stored else {
            return Ok(None);
        };
        let def = self.first().def;
        let signal = Arc::new(StoredSignal {
            id: SignalId(id),
            name: def.name.into(),
            version: def.version,
            payload: payload.into(),
            headers: self.batch.context.headers.clone(),
            sent_at,
        });
        claimed.extend(receivers.into_iter().zip(positions).map(|(receiver, position)| Claimed {
            held: Held {
                delivery: rows::delivery(id, receiver),
                lane: rows::lane(receiver, def.version.into()),
                position,
                life: 0,
                token: claim.token,
            },
            counters: Counters::default().claimed(),
            signal: Arc::clone(&signal),
        }));
        Ok(Some((id, deliveries, in_transaction)))
    }

    /// Binds what the registry's row must know, and what the signals have in common.
    fn bind_known<'q, O>(&'q self, query: Query<'q, O>) -> Query<'q, O> {
        let def = self.first().def;
        let names: Option<Vec<&str>> = (!def.aliases.is_empty()).then(|| def.names().collect());
        let mut linked = self.linked.clone();
        linked.sort_unstable();
        let linked = (!linked.is_empty()).then_some(linked);
        self.bind_headers(query.bind(def.name).bind(i64::from(def.version)).bind(names).bind(linked))
    }

    fn bind_headers<'q, O>(&'q self, query: Query<'q, O>) -> Query<'q, O> {
        let headers = &self.batch.context.headers;
        query
            .bind(headers.correlation.map(|id| id.0))
            .bind(headers.causation.map(|id| id.0))
            .bind(headers.traceparent.as_deref())
            .bind(headers.build.as_deref())
            .bind(self.batch.context.clock.imposed().map(Moment))
    }

    /// Stores anything; `repeated` gets the places of signals whose keys were used before, and the ids drawn for them. What
    /// has no key and is not stored either, a foreign trigger has kept out.
    ///
    /// # Errors
    ///
    /// [`Error::NotRegistered`], and nothing is stored, when a linked receiver is not registered for the signal (I14).
    pub(super) async fn store_with(
        &self,
        conn: &mut PgConnection,
        receipts: &mut Receipts,
        repeated: &mut Vec<(usize, SignalId)>,
    ) -> Result<()> {
        let signals = || self.places.iter().map(|&at| &self.batch.signals[at]);
        let keys: Vec<_> = signals().map(|signal| signal.key.as_deref()).collect();
        let hashes: Vec<_> = signals().map(|signal| signal.key.as_ref().map(|_| hash(signal))).collect();
        let (after, at) = match self.first().due {
            Due::Now => (None, None),
            Due::After(delay) => (Some(micros(delay)), None),
            Due::At(at) => (None, Some(Moment(at))),
        };
        let (drawn, deliveries, missing, stored): (Vec<i64>, i64, Vec<i64>, Vec<i64>) = self
            .bind_asked(sqlx::query_as(sql::SEND_WITH))
            .bind(&keys)
            .bind(&hashes)
            .bind(after)
            .bind(at)
            .fetch_one(conn)
            .await
            .map_err(error::of)?;
        self.refuse_missing(&missing)?;
        let deliveries = usize::try_from(deliveries).map_err(error::foreign)?;
        let stored: HashSet<i64> = stored.into_iter().collect();
        for (&at, id) in self.places.iter().zip(drawn) {
            if stored.contains(&id) {
                receipts.at[at] = Some(Receipt::stored(SignalId(id), deliveries));
            } else if self.batch.signals[at].key.is_some() {
                repeated.push((at, SignalId(id)));
            }
        }
        Ok(())
    }

    /// Binds what the registry is asked, and what the signals have in common: linked receivers with a number each, to be
    /// told which of them is missing.
    fn bind_asked<'q, O>(&'q self, query: Query<'q, O>) -> Query<'q, O> {
        let def = self.first().def;
        let names: Vec<&str> = def.names().collect();
        let receivers = self.batch.context.registry.receivers_of(def.name).enumerate();
        let numbers: Vec<i64> =
            receivers.flat_map(|(number, receiver)| receiver.names().map(move |_| rows::limit(number))).collect();
        let query = query.bind(names).bind(numbers).bind(&self.linked).bind(def.name).bind(i64::from(def.version));
        self.bind_headers(query.bind(&self.payloads))
    }

    fn refuse_missing(&self, missing: &[i64]) -> Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let def = self.first().def;
        let linked: Vec<_> = self.batch.context.registry.receivers_of(def.name).map(|receiver| receiver.name).collect();
        let name = |&number: &i64| usize::try_from(number).ok().and_then(|number| linked.get(number).copied());
        let receivers = missing.iter().filter_map(name).map(str::to_owned).collect();
        Err(Error::NotRegistered { signal: def.name.to_owned(), receivers })
    }
}
