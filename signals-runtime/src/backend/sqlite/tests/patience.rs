//! T9 where there is one writer: who waited for the lock steals later.

use std::time::Duration;

use signals_core::Backend as _;
use signals_core::store::Store as _;

use super::{Fixture, LEASE};

#[tokio::test]
async fn after_a_long_busy_wait_nothing_is_stolen() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..2).await;
    let mut claim = fixture.claim(&[1]);
    (claim.limit, claim.lease) = (1, Duration::from_millis(300));
    fixture.store.claim(&claim).await.expect("claims");
    fixture.clock.advance(LEASE);
    claim.limit = 100;
    claim.token = fixture.token();
    let writer = fixture.backend.begin().await.expect("begins");
    let (claims, ()) = tokio::join!(fixture.store.claim(&claim), async {
        // tidy: not a wait: for so long the writer keeps the lock
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(writer);
    });
    let claims = claims.expect("claims");
    assert!(claims.lost.is_empty() && claims.claimed.len() == 1, "{claims:?}");
    assert!(fixture.store.claim(&claim).await.expect("claims").claimed.is_empty(), "nor for one lease after");
    // tidy: not a wait: the store counts a lease of real time
    tokio::time::sleep(claim.lease).await;
    claim.token = fixture.token();
    assert_eq!(fixture.store.claim(&claim).await.expect("claims").lost.len(), 1);
}

#[tokio::test]
async fn t9_a_claim_that_waited_leaves_the_living_as_long_again_to_renew() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    fixture.clock.advance(LEASE);
    let claim = fixture.claim(&[1]);
    let writer = fixture.backend.begin().await.expect("begins");
    // The heartbeat has the connection, so the claim waits for that first.
    let info = signals_core::store::WorkerInfo::default();
    let (_, claims, ()) =
        tokio::join!(fixture.store.heartbeat(held.token.incarnation(), &info), fixture.store.claim(&claim), async {
            // tidy: not a wait: for so long the writer keeps the lock
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            drop(writer);
        });
    let claims = claims.expect("claims");
    assert!(claims.lost.is_empty() && claims.claimed.is_empty(), "{claims:?}");
    fixture.clock.advance(Duration::from_secs(1));
    assert!(fixture.claimed(&[1]).await.lost.is_empty(), "it has not expired for as long as the claim waited");
    // L1: and no longer than that, a wait of well below a third of the lease.
    fixture.clock.advance(Duration::from_secs(3));
    assert_eq!(fixture.claimed(&[1]).await.lost.len(), 1);
}

#[tokio::test]
async fn t9_after_a_renewal_that_waited_for_a_third_of_a_lease_nothing_is_stolen() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    fixture.clock.advance(LEASE);
    let mut claim = fixture.claim(&[1]);
    claim.lease = Duration::from_secs(9);
    let keeper = fixture.backend.store.sibling();
    let writer = fixture.backend.begin().await.expect("begins");
    let refused = keeper.renew(&[held], LEASE).await;
    assert!(matches!(refused, Err(signals_core::Error::Contention(_))), "{refused:?}");
    drop(writer);
    fixture.clock.advance(LEASE);
    let claims = fixture.store.claim(&claim).await.expect("claims");
    assert!(claims.lost.is_empty() && claims.claimed.is_empty(), "{claims:?}");
}

#[tokio::test]
async fn t9_what_is_done_before_the_lock_is_asked_for_is_no_wait() {
    let lease = Duration::from_millis(600);
    let fixture = Fixture::new(&["a"]).await;
    let store = &fixture.backend.store;
    let conn = store.connections.quick().await.expect("opens");
    // tidy: not a wait: as long as a look at many lanes may take
    tokio::time::sleep(lease / 2).await;
    let writing = store.connections.write(conn).await.expect("nobody else writes");
    assert_eq!(store.patience.allowance(lease), Some(Duration::ZERO), "the lock was free");
    // tidy: not a wait: for so long it keeps all others out
    tokio::time::sleep(lease / 2).await;
    drop(writing);
    assert_ne!(store.patience.allowance(lease), Some(Duration::ZERO), "others have waited meanwhile");
}
