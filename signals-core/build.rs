//! Nothing to build: cargo wants a build script beside `links`, and `links` keeps the registry single.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
