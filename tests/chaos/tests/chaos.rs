//! A small campaign of kills; `cargo xtask chaos` runs long ones, over Postgres too.

use std::process::Command;

/// W1 to W5, S1, S2, L1, L2: processes that are killed, stopped and asked to end at random lose nothing, double no
/// transactional effect, and hold no lease at the end.
#[test]
fn i1_i2_i5_i6_i8_a_campaign_of_kills_breaks_no_promise() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut campaign = Command::new(env!("CARGO_BIN_EXE_signals-chaos"));
    campaign.args(["campaign", "sqlite"]).arg(folder.path()).args(["kills", "30", "7", "all"]);
    let ran = output_of(&mut campaign);
    assert!(ran.contains("0 findings"), "{ran}");
}

fn output_of(command: &mut Command) -> String {
    let ran = command.output().expect("it runs");
    let said = [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert!(ran.status.success(), "{said}");
    said
}
