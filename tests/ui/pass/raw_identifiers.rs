mod r#mod {
    use signals_runtime::{receiver, signal};

    #[signal]
    pub struct r#Type {
        pub r#fn: i64,
    }

    #[receiver(signal = r#Type)]
    pub async fn r#async(_payment: &r#Type) {}
}

use signals_runtime::{Receiver, Signal};

fn main() {
    assert!(r#mod::Type::DEF.name.ends_with(".mod.Type"), "{}", r#mod::Type::DEF.name);
    assert!(r#mod::r#async::DEF.name.ends_with(".mod.async"), "{}", r#mod::r#async::DEF.name);
}

extern crate signals_core as signals_runtime;
