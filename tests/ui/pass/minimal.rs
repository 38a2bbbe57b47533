use signals_runtime::{Receiver, Signal, receiver, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

#[receiver(signal = PaymentCompleted)]
async fn complete_order(_payment: &PaymentCompleted) {}

fn main() {
    assert!(PaymentCompleted::DEF.name.ends_with(".PaymentCompleted"));
    assert_eq!(PaymentCompleted::DEF.version, 1);
    assert!(!PaymentCompleted::DEF.allow_unheard);
    let def = complete_order::DEF;
    assert!(def.name.ends_with(".complete_order") && !def.name.contains(':'), "{}", def.name);
    assert_eq!(def.signal, PaymentCompleted::DEF);
    assert_eq!(def.options, Default::default());
    assert_eq!(def.location.file, file!());
    assert_eq!(def.location.line, 8);
    assert_eq!(def.location.module, module_path!());
    assert!(!def.body.is_blocking());
    let _ = PaymentCompleted { id: 1 };
}

extern crate signals_core as signals_runtime;
