//! The command line: parsed into a [`Command`] that cannot be wrong.

use std::ffi::OsString;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use base::Place;
use lexopt::prelude::*;
use signals_runtime::defaults;

use crate::ops::{How, OpsOptions, Order};
use crate::takes;
use crate::worker::{Fault, WorkerOptions};

/// What `--help` prints, but for the option that names the database.
const HELP: &str = "\
A shop whose modules tell each other what happened by signals.

usage: shop                      tell the story, and check it; needs nothing
       shop serve  [options]     take orders and webhooks over HTTP
       shop worker [options]     run the receivers, until Ctrl-C or SIGTERM
       shop migrate [--print]    make the tables of the signals, or print their SQL for another tool

looking, as text or with --json (fields that end in _us are microseconds; moments, since 1970 in UTC):
       shop status               how everything stands: receivers, what is parked and why, workers, the last hour
       shop list [filter]        deliveries, newest signal first; --limit N, --after <id> for the next page
       shop show <id>            one delivery: every attempt, and its payload
       shop actions              who did what by hand; --limit N

acting, in the name of --actor NAME [the user]; told by `shop actions`:
       shop retry   <id> | filter | --all    run dead or cancelled deliveries again, from zero
       shop cancel  <id> | filter | --all    what is ready or running shall not run
       shop discard <id> | filter | --all    what is ready or running becomes a dead letter
       shop pause | resume <receiver>        stop its deliveries, in all workers; go on
       shop retire <receiver> --keep | --cancel    sends pass it by; what is pending is run, or cancelled
                                             (these four: --dry-run counts, and changes nothing)
       shop restore <receiver>               sends reach it again
       shop prune [--done D] [--cancelled D] [--dead D] [--keys D]    forget what is settled and older

a filter: --state S (ready, running, done, dead, cancelled; may be repeated), --receiver NAME, --signal NAME,
          --older-than D, --younger-than D, --error TEXT; a duration D is 90s, 15m, 24h or 7d
each command refuses options that it does not take

options:
{database}
  --port N           serve: the port on 127.0.0.1, 0 for any [3000]
  --lease SECONDS    worker: how long a delivery stays with a worker that is gone [20]; at least 3
  --fault NAME       worker: mail (the mail server refuses twice), score (the risk table is too short: a panic)
                     or export (exports take a minute); may be repeated
  --help             this";

/// What `--help` prints.
pub(crate) fn help() -> String {
    HELP.replace("{database}", Place::HELP)
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    /// Print [`help`].
    Help,
    /// Tell the story, on a server that was named.
    Story { place: Option<Place> },
    /// Serve HTTP.
    Serve { place: Place, port: u16 },
    /// Run receivers.
    Worker { place: Place, options: WorkerOptions },
    /// What an operator asks for.
    Operate { place: Place, order: Order, how: How },
}

/// What the options say, whichever command they are for.
struct Options {
    place: Option<Place>,
    port: u16,
    worker: WorkerOptions,
    ops: OpsOptions,
}

/// The command that `args`, the program's name first, say.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command> {
    let mut parser = lexopt::Parser::from_iter(args);
    let (mut words, mut given) = (Vec::new(), Vec::new());
    let mut options = Options {
        place: None,
        port: 3000,
        worker: WorkerOptions { lease: defaults::LEASE, faults: Vec::new(), with_parent: false },
        ops: OpsOptions::default(),
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Value(word) => words.push(word.string()?),
            Short('h') | Long("help") => return Ok(Command::Help),
            Long(name) => {
                let name = name.to_owned();
                options
                    .set(&name, &mut parser)
                    .map_err(|error| anyhow!("option --{name}: {error:#}; see `shop --help`"))?;
                given.push(name);
            }
            Short(_) => bail!("{}; see `shop --help`", arg.unexpected()),
        }
    }
    takes::check(words.first().map_or("", String::as_str), &given)?;
    command(&words, options)
}

impl Options {
    fn set(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<()> {
        match name {
            Place::OPTION => self.place = Some(Place::named(parser.value()?)?),
            "port" => self.port = parser.value()?.parse()?,
            "lease" => {
                let seconds = parser.value()?.parse()?;
                if seconds < 3 {
                    bail!("a lease of the shop is at least 3 s: its receivers' time-outs are made for that");
                }
                self.worker.lease = Duration::from_secs(seconds);
            }
            "fault" => self.worker.faults.push(parser.value()?.parse()?),
            // For the story's workers, not in the help: stop when whoever holds the other end of stdin is gone.
            "with-parent" => self.worker.with_parent = true,
            other if self.ops.set(other, parser)? => {}
            _ => bail!("there is no such option"),
        }
        Ok(())
    }
}

fn command(words: &[String], options: Options) -> Result<Command> {
    let Options { place, port, worker, ops } = options;
    let named = place.map_or_else(Place::usual, |place| Ok(Some(place)))?;
    let place = || named.clone().with_context(|| format!("say where the database is with --{}", Place::OPTION));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok(match words[..] {
        [] => Command::Story { place: named },
        ["help"] => Command::Help,
        ["serve"] => Command::Serve { place: place()?, port },
        ["worker"] => Command::Worker { place: place()?, options: worker },
        [known @ ("serve" | "worker"), ..] => bail!("too many words after `{known}`; see `shop --help`"),
        [unknown, ..] => match ops.order(&words)? {
            Some((order, how)) => Command::Operate { place: place()?, order, how },
            None => bail!("there is no command `{unknown}`; see `shop --help`"),
        },
    })
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|fault| fault.name() == name)
            .with_context(|| format!("`{name}` is no fault: expected mail, score or export"))
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use signals_runtime::operating::Pending;
    use signals_runtime::store::Verb;

    use super::*;

    fn parsed(line: &str) -> Result<Command> {
        parse(["shop"].into_iter().chain(line.split_whitespace()).map(OsString::from))
    }

    fn refusal(line: &str) -> String {
        format!("{:#}", parsed(line).expect_err("should be refused"))
    }

    #[test]
    fn every_command_is_understood() {
        assert!(matches!(parsed(""), Ok(Command::Story { .. })));
        assert!(matches!(parsed("serve --port 0"), Ok(Command::Serve { port: 0, .. })));
        assert!(matches!(parsed("status --json"), Ok(Command::Operate { order: Order::Status, how, .. }) if how.json));
        let Ok(Command::Operate { order: Order::One(Verb::Retry, id), how, .. }) = parsed("retry 4.2 --actor ada")
        else {
            panic!("not a retry")
        };
        assert_eq!((id.to_string().as_str(), &*how.actor), ("4.2", "ada"));
        let filter = "cancel --state ready --state running --receiver mail --older-than 2h --error x --dry-run";
        let Ok(Command::Operate { order: Order::All(Verb::Cancel, filter), how, .. }) = parsed(filter) else {
            panic!("not a cancel of all")
        };
        assert_eq!(filter.to_string(), "ready or running, receiver mail, older than 7200s, error \"x\"");
        assert!(how.dry_run);
        let retire = parsed("retire mail --keep");
        assert!(matches!(retire, Ok(Command::Operate { order: Order::Retire(_, Pending::Keep), .. })));
        let Ok(Command::Worker { place, options }) =
            parsed("worker --lease 3 --fault mail --fault=export --database x.db")
        else {
            panic!("not a worker")
        };
        assert_eq!((place.to_string().as_str(), options.lease), ("x.db", Duration::from_secs(3)));
        assert_eq!(options.faults, [Fault::Mail, Fault::Export]);
    }

    #[test]
    fn mistakes_are_answered_with_a_way_out() {
        assert!(refusal("sreve").contains("there is no command `sreve`; see `shop --help`"));
        assert!(refusal("worker --fault fire").contains("`fire` is no fault: expected mail, score or export"));
        assert!(refusal("serve --port x").contains("option --port: cannot parse argument \"x\""));
        assert!(refusal("worker --lease 1").contains("at least 3 s"));
        assert!(refusal("serve --prot 1").contains("option --prot: there is no such option; see `shop --help`"));
        assert!(refusal("retry").contains("`shop retry 42.3` means one (`shop list` tells their ids)"));
        assert!(refusal("retry 4.2 --all").contains("either one delivery, 4.2, or all that match"));
        assert!(refusal("cancel --state done").contains("nothing that is done can be changed by cancel"));
        assert!(refusal("retry --state dead --state ready").contains("it takes --state dead or --state cancelled"));
        assert!(refusal("retire mail").contains("say --keep to have it run, or --cancel"));
        assert!(refusal("retire mail --keep --cancel").contains("either --keep or --cancel"));
        assert!(refusal("pause").contains("which receiver? `shop status` lists them"));
        assert!(refusal("list --older-than 5").contains("option --older-than: `5` is no duration: expected 90s"));
        assert!(refusal("list --state dying").contains("`dying` is no state"));
        assert!(
            refusal("status --state dead").contains("`shop status` has no option --state; it takes --json, --database")
        );
        assert!(refusal("--json").contains("`shop` has no option --json; it takes none"));
        assert!(refusal("retry 42").contains("expected `<signal>.<receiver>`"));
    }
}
