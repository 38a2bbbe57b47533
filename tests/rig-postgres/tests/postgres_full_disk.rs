//! A server whose disk has no room left, and has room again: S11.
//!
//! Where a small file system can be mounted, the table of signals is moved to it. Elsewhere the server is made to answer as it does
//! then.

mod common;

use std::fs::{OpenOptions, metadata, remove_file};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use common::{Rig, until};
use signals_cluster::Settings;
use signals_rig_postgres::{Work, book};
use signals_runtime::Error;
use sqlx::{AssertSqlSafe, Executor as _};

/// A tmpfs of four mebibytes, unmounted when it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// One that belongs to the user of the server; `None` where mounting is not permitted.
    async fn mount(rig: &Rig) -> Option<Self> {
        let pool = rig.signals.backend().pool();
        let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(pool).await.expect("it answers");
        let owner = metadata(data).expect("the server's files are on this machine");
        let at = tempfile::tempdir().expect("a folder");
        let options = format!("size=4m,mode=0700,uid={},gid={}", owner.uid(), owner.gid());
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "signals-rig"]).arg(at.path()).status();
        let disk = mounted.is_ok_and(|status| status.success()).then_some(Self(at))?;
        let place = format!("CREATE TABLESPACE small LOCATION '{}'", disk.0.path().display());
        pool.execute(AssertSqlSafe(place)).await.expect("the folder is empty");
        pool.execute("ALTER TABLE signals.signal SET TABLESPACE small").await.expect("it has room");
        Some(disk)
    }

    fn fill(&self) {
        let path = self.0.path().join("ballast");
        let mut ballast = OpenOptions::new().create(true).append(true).open(path).expect("a file");
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        remove_file(self.0.path().join("ballast")).expect("it is ours");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may still have it open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

/// What a server without room answers, where no file system can be mounted.
const FULL: &str = "CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER full BEFORE INSERT ON signals.signal EXECUTE FUNCTION public.full()";

/// S11, I1: sends are refused whole, by a typed error; with room again everything goes on.
#[tokio::test(flavor = "multi_thread")]
async fn s11_a_server_without_room_refuses_sends_whole_until_it_has_room() {
    let rig = Rig::new(Settings::fast()).await;
    let mut worker = rig.worker();
    rig.connected(&[&worker]).await;
    let pool = rig.signals.backend().pool();
    let disk = SmallDisk::mount(&rig).await;
    book(&rig.signals, &Work::light(0)).await.expect("there is room");
    match &disk {
        Some(disk) => disk.fill(),
        None => drop(pool.execute(FULL).await.expect("it can be said")),
    }
    // There is room left in the table's last page.
    let (mut number, mut refused) = (0, None);
    until("a send to be refused", async || {
        number += 1;
        refused = book(&rig.signals, &Work::light(number)).await.err();
        refused.is_some()
    })
    .await;
    let error = refused.expect("it was refused");
    assert!(matches!(error, Error::NotWritable(_)), "S11: {error:?}");
    rig.agrees().await;

    match &disk {
        Some(disk) => disk.make_room(),
        None => drop(pool.execute("DROP TRIGGER full ON signals.signal").await.expect("it was there")),
    }
    book(&rig.signals, &Work::light(number)).await.expect("there is room again");
    rig.agrees().await;
    assert!(worker.is_running(), "{}", rig.events());
    // The database goes before its table space.
    drop(worker);
    drop(rig);
    drop(disk);
}
