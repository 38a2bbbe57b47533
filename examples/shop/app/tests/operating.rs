//! The operators' commands, as a process over a database with two orders and one payment: T10–T12, I14, D7.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

signals_runtime::link!(orders, receipts, analytics);

const MAIL: &str = "receipts.receivers.mail_receipt";
const EXPORT: &str = "analytics.receivers.export_order";

/// A shop's database, and its command line.
struct Rig {
    folder: TempDir,
}

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

impl Rig {
    /// Two orders and a payment, of which nothing has been run: two exports, and four deliveries of the payment.
    async fn new() -> Self {
        let rig = Self { folder: TempDir::new().expect("a folder") };
        let shop = base::open(&base::Place::named(rig.database().into()).expect("a path")).await.expect("opens");
        shop.setup().await.expect("sets up");
        for table in [payments::TABLE, orders::TABLE, analytics::TABLE] {
            sqlx::query(table).execute(shop.backend().pool()).await.expect("a table");
        }
        for order in [1, 2] {
            orders::place(&shop, order, 4_990).await.expect("an order");
        }
        let notice = payments::Notice { id: "evt_1".to_owned(), payment_id: 1, succeeded: true };
        payments::record(&shop, &notice).await.expect("a payment");
        rig
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    fn run(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command.args(line.split(' ')).arg("--database").arg(self.database()).env("USER", "keyboard");
        command.output().expect("the shop runs")
    }

    /// What a command that succeeds prints.
    fn says(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The same as JSON.
    fn json(&self, line: &str) -> Value {
        let said = self.says(&format!("{line} --json"));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error}: {said}"))
    }

    /// What a command that fails prints to standard error.
    fn refuses(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        String::from_utf8(output.stderr).expect("text")
    }

    /// The ids of a list, newest first.
    fn ids(&self, filter: &str) -> Vec<String> {
        let list = self.json(&format!("list{filter}"));
        let deliveries = list["deliveries"].as_array().expect("deliveries");
        deliveries.iter().map(|delivery| delivery["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// A worker whose mail server refuses, and whose exports take a minute.
    fn worker(&self) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command.args(["worker", "--fault", "mail", "--fault", "export", "--database"]).arg(self.database());
        Running(command.stdout(Stdio::null()).spawn().expect("starts"))
    }

    /// What `found` finds in the JSON of a command, as soon as it finds something.
    fn until(&self, line: &str, found: impl Fn(&Value) -> Option<Value>) -> Value {
        let since = Instant::now();
        loop {
            let said = self.json(line);
            if let Some(found) = found(&said) {
                return found;
            }
            assert!(since.elapsed() < Duration::from_secs(30), "{line}: {said}");
        }
    }

    /// The line of `shop status` about a receiver.
    fn receiver(&self, name: &str) -> Value {
        let status = self.json("status");
        let receivers = status["receivers"].as_array().expect("receivers").clone();
        receivers.into_iter().find(|receiver| receiver["receiver"] == name).expect("the receiver is there")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_status_and_list_show_what_there_is() {
    let rig = Rig::new().await;
    let export = rig.receiver(EXPORT);
    assert_eq!((&export["ready"], &export["parked"], &export["paused"]), (&2.into(), &Value::Null, &false.into()));
    assert!(export["due_since_us"].is_i64(), "{export}");
    let status = rig.says("status");
    for said in ["due since", "in the last hour", "no worker was seen within the last minute", EXPORT] {
        assert!(status.contains(said), "`{said}` is missing:\n{status}");
    }
    assert_eq!(rig.ids("").len(), 6);
    assert_eq!(rig.ids(&format!(" --receiver {EXPORT}")).len(), 2);
    assert_eq!(rig.ids(" --state dead --state cancelled").len(), 0);
    assert_eq!(rig.ids(" --older-than 1d").len(), 0);
    assert_eq!(rig.ids(" --younger-than 1d --error refused").len(), 0);

    let first = rig.json("list --limit 4");
    let next = first["next"].as_str().expect("there is more");
    assert_eq!(
        (first["deliveries"].as_array().map(Vec::len), rig.ids(&format!(" --after {next}")).len()),
        (Some(4), 2)
    );
    assert!(rig.says("list --limit 4").ends_with(&format!("there may be more: --after {next}\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn t10_t11_one_delivery_is_shown_cancelled_and_retried_in_somebodys_name() {
    let rig = Rig::new().await;
    let id = rig.ids(&format!(" --receiver {EXPORT}")).remove(0);
    let shown = rig.says(&format!("show {id}"));
    assert!(shown.contains(r#"payload   {"order_id":2,"amount_cents":4990}"#), "{shown}");
    assert_eq!(rig.json(&format!("show {id}"))["state"], "ready");
    assert!(rig.says(&format!("cancel {id} --actor ada")).contains("is cancelled"));
    assert_eq!(rig.json(&format!("show {id}"))["actor"], "ada");
    assert!(rig.refuses(&format!("cancel {id}")).contains(&format!("cannot cancel delivery {id}: it is cancelled")));
    assert!(rig.says(&format!("retry {id}")).contains("is ready again, in a new life"));
    assert_eq!(rig.json(&format!("discard {id}"))["verb"], "discard");
    assert!(rig.says("list --state dead").contains("dead (by hand)"));
    let log = rig.json("actions");
    let line = |at: usize| ["actor", "verb", "subject"].map(|key| log["actions"][at][key].as_str().expect("text"));
    assert_eq!(
        [line(0), line(1), line(2)],
        [["keyboard", "discard", &*id], ["keyboard", "retry", &*id], ["ada", "cancel", &*id]]
    );
    assert!(rig.says("actions").contains("keyboard  discard"));
}

#[tokio::test(flavor = "multi_thread")]
async fn t10_t11_all_that_match_are_counted_first_and_then_changed() {
    let rig = Rig::new().await;
    let filter = format!("--receiver {EXPORT}");
    let dry = rig.run(&format!("discard {filter} --dry-run"));
    assert_eq!(String::from_utf8_lossy(&dry.stdout), "2 deliveries match; nothing was changed\n");
    assert!(String::from_utf8_lossy(&dry.stderr).contains("2 matched, 0 changed, 0 passed over so far"));
    assert_eq!(rig.receiver(EXPORT)["ready"], 2);
    assert_eq!(rig.json(&format!("discard {filter}"))["tally"]["changed"], 2);
    assert_eq!(rig.receiver(EXPORT)["dead"], 2);
    assert_eq!(rig.json("retry --state dead")["tally"]["changed"], 2);
    assert_eq!(rig.json("cancel --all")["tally"]["changed"], 6);
    assert_eq!(rig.json("prune --cancelled 0s")["deliveries"], 6);
    assert_eq!(rig.ids("").len(), 0);
    assert!(rig.refuses("cancel").contains("which deliveries?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn t10_t12_a_dry_run_changes_nothing_or_is_refused() {
    let rig = Rig::new().await;
    let id = rig.ids(&format!(" --receiver {EXPORT}")).remove(0);
    let [one, retire, kept] =
        [format!("cancel {id}"), format!("retire {EXPORT} --cancel"), format!("retire {EXPORT} --keep")];
    assert_eq!(rig.says(&format!("{one} --dry-run")), format!("would cancel delivery {id}; nothing was changed\n"));
    let told = rig.says(&format!("{retire} --dry-run"));
    assert_eq!(told, format!("{EXPORT} would be retired, 2 deliveries cancelled; nothing was changed\n"));
    assert!(rig.says(&format!("{kept} --dry-run")).ends_with("nothing was changed\n"));
    assert!(
        rig.refuses(&format!("retry {id} --dry-run")).contains(&format!("cannot retry delivery {id}: it is ready"))
    );
    assert!(rig.refuses("cancel 99.1 --dry-run").contains("there is no delivery 99.1"));
    for refused in ["prune --done 0s --dry-run", &format!("pause {EXPORT} --dry-run"), "migrate --dry-run"] {
        assert!(rig.refuses(refused).contains("has no option --dry-run; it takes"), "{refused}");
    }
    let export = rig.receiver(EXPORT);
    assert_eq!((&export["ready"], &export["retired"], &export["paused"]), (&2.into(), &false.into(), &false.into()));
    assert_eq!(rig.json("actions")["actions"], serde_json::json!([]), "nothing was done");
}

/// What a command would pass over in silence, somebody counted on.
#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_a_command_does_not_take_is_refused_before_anything_happens() {
    let rig = Rig::new().await;
    for (line, option) in [
        (&*format!("cancel --receiver {EXPORT} --limit 2"), "--limit"),
        ("cancel --all --after 1.1", "--after"),
        ("status --state dead", "--state"),
        ("list --all", "--all"),
        ("serve --json", "--json"),
        ("migrate --print --json", "--json"),
        ("prune --cancelled 0s --older-than 1s", "--older-than"),
    ] {
        let command = line.split(' ').next().expect("a word");
        let refused = rig.refuses(line);
        assert!(
            refused.contains(&format!("`shop {command}` has no option {option}; it takes --")),
            "{line}: {refused}"
        );
    }
    assert_eq!(rig.receiver(EXPORT)["ready"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn i14_receivers_are_paused_retired_and_brought_back() {
    let rig = Rig::new().await;
    assert!(rig.says(&format!("pause {MAIL}")).contains("is now paused"));
    assert!(rig.says(&format!("pause {MAIL}")).contains("is already paused"));
    assert!(rig.says("status").contains("paused: its deliveries wait until `shop resume`"));
    assert_eq!(rig.json(&format!("resume {MAIL}"))["changed"], true);

    assert_eq!(rig.json(&format!("retire {MAIL} --cancel"))["cancelled"]["changed"], 1);
    assert!(rig.says("status").contains("retired: sends pass it by until `shop restore`"));
    let mail = rig.receiver(MAIL);
    assert_eq!((&mail["retired"], &mail["cancelled"]), (&true.into(), &1.into()));
    assert!(rig.says(&format!("restore {MAIL}")).contains("is now not retired"));
    assert!(rig.says(&format!("retire {EXPORT} --keep")).contains("what is pending for it is still run"));
    assert_eq!(rig.receiver(EXPORT)["ready"], 2);
    for command in ["pause mail_receipt", "list --receiver mail_receipt", "cancel --receiver mail_receipt"] {
        let unknown = rig.refuses(command);
        assert!(unknown.contains(&format!("knows no receiver `mail_receipt`; the nearest are `{MAIL}`")), "{unknown}");
    }
}

/// Whoever looks, or acts, in the wrong file leaves it as it was.
#[tokio::test(flavor = "multi_thread")]
async fn d7_a_file_without_the_tables_is_refused_and_left_as_it_is() {
    let rig = Rig { folder: TempDir::new().expect("a folder") };
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(rig.database()).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("another application connects");
    sqlx::raw_sql("CREATE TABLE theirs (id INTEGER)").execute(&pool).await.expect("has a table of its own");
    pool.close().await;
    let before = std::fs::read(rig.database()).expect("there");
    for line in ["status", "list", "show 1.1", "actions", "cancel --all", &format!("pause {MAIL}"), "prune"] {
        let refused = rig.refuses(line);
        for said in ["are not up to date", "`shop migrate --database "] {
            assert!(refused.contains(said), "{line}: `{said}` is missing: {refused}");
        }
    }
    assert!(std::fs::read(rig.database()).expect("there") == before, "the file was changed");

    let nowhere = ["status".as_ref(), "--database".as_ref(), rig.folder.path().join("none/shop.db").as_os_str()]
        .map(std::ffi::OsStr::to_owned);
    let output = Command::new(env!("CARGO_BIN_EXE_shop")).args(nowhere).output().expect("the shop runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no folder"), "{output:?}");
}

/// I14: the receivers of a build are registered by what runs them.
#[tokio::test(flavor = "multi_thread")]
async fn i14_who_looks_or_acts_registers_no_receivers() {
    let rig = Rig { folder: TempDir::new().expect("a folder") };
    rig.says("migrate");
    assert_eq!(rig.json("status")["receivers"], serde_json::json!([]));
    assert_eq!(rig.json("cancel --all")["tally"]["matched"], 0);
    assert!(rig.refuses(&format!("pause {MAIL}")).contains("knows no receiver"));
    assert_eq!(rig.json("status")["receivers"], serde_json::json!([]), "a verb registered some");
}

/// Of a delivery that failed, who ran it and for how long; of one that runs, who runs it and until when.
#[tokio::test(flavor = "multi_thread")]
async fn i2_whoever_looks_sees_who_runs_a_delivery() {
    let rig = Rig::new().await;
    let mail = rig.ids(&format!(" --receiver {MAIL}")).remove(0);
    let _worker = rig.worker();
    let running = format!("list --state running --receiver {EXPORT}");
    let held = rig.until(&running, |list| list["deliveries"].get(0).cloned());
    let failed = rig.until(&format!("show {mail}"), |mail| mail["failed"].get(0).cloned());

    assert!(held["worker"].is_string() && held["lease_until_us"].is_i64() && held["sent_us"].is_i64(), "{held}");
    let shown = rig.says(&format!("show {}", held["id"].as_str().expect("an id")));
    assert!(shown.contains(&format!("  worker    {}", held["worker"].as_str().expect("text"))), "{shown}");
    assert!(shown.contains("  lease     in "), "{shown}");
    let list = rig.says(&running);
    assert!(
        list.contains(held["worker"].as_str().expect("text")) && list.contains("  in "),
        "so does the list:\n{list}"
    );

    assert!(failed["worker"] == held["worker"] && failed["ended_us"].is_i64() && failed["ran_us"].is_i64(), "{failed}");
    let by = format!("    worker {}, ran ", failed["worker"].as_str().expect("text"));
    assert!(rig.says(&format!("show {mail}")).contains(&by), "the text tells it too");

    let status = rig.json("status");
    let known = &status["workers"][0];
    assert_eq!(known["build"], concat!("shop ", env!("CARGO_PKG_VERSION")));
    let lanes = known["lanes"].as_array().expect("lanes");
    assert!(lanes.contains(&serde_json::json!({ "receiver": EXPORT, "version": 1 })), "{known}");
    let text = rig.says("status");
    assert!(text.contains("version") && text.contains(&format!("runs {EXPORT} version 1")), "{text}");
}

/// As service managers stop it.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn serving_ends_cleanly_at_sigterm() {
    let rig = Rig::new().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.args(["serve", "--port", "0", "--database"]).arg(rig.database()).stdout(Stdio::piped());
    let mut serving = Running(command.spawn().expect("starts"));
    let mut said = String::new();
    BufReader::new(serving.0.stdout.as_mut().expect("piped")).read_line(&mut said).expect("says");
    assert!(said.starts_with("serving http://"), "{said}");
    let pid = rustix::process::Pid::from_child(&serving.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("is there");
    assert_eq!(serving.0.wait().expect("ends").code(), Some(0));
}

/// D7: what another tool applied of the printed SQL, this one finds done.
#[tokio::test(flavor = "multi_thread")]
async fn d7_printed_migrations_applied_by_another_tool_leave_nothing_to_do() {
    let rig = Rig { folder: TempDir::new().expect("a folder") };
    let sql = rig.says("migrate --print");
    assert!(!rig.database().exists(), "printing makes no file");
    assert!(sql.starts_with("-- Migration 1: deliveries (additive: older builds go on working)."), "{sql}");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(rig.database()).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)).await;
    let pool = pool.expect("another tool connects");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await.expect("the script is applied");
    pool.close().await;
    assert!(rig.says("migrate").contains("are up to date"));
    assert_eq!(rig.json("status")["workers"], serde_json::json!([]));
}
