use signals_runtime::signal;

#[signal]
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Both {
    pub id: i64,
}

#[signal]
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OneOfTwo {
    pub the_id: i64,
}

mod other {
    pub use serde as renamed;
}

#[signal]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, crate = "other::renamed")]
pub struct TheOther {
    pub the_id: i64,
}

#[rustfmt::skip] // which would make one of the two derives
#[signal]
#[derive(Debug)]
#[derive(Clone)]
#[non_exhaustive]
pub struct Unit;

#[signal]
pub struct Tuple(pub i64, #[serde(default)] pub Option<String>);

fn main() {
    let text = serde_json::to_string(&OneOfTwo { the_id: 1 }).expect("it serializes");
    assert_eq!(text, r#"{"theId":1}"#);
    let Tuple(id, note) = serde_json::from_str("[7,null]").expect("it deserializes");
    assert_eq!((id, note), (7, None));
    let _ = Unit.clone();
}

extern crate signals_core as signals_runtime;
