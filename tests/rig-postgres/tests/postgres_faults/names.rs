//! What statements are called: the library's by their files, all others by their first words.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// The name of a statement.
pub(crate) fn name(statement: &str) -> String {
    static FILES: LazyLock<HashMap<String, String>> = LazyLock::new(files);
    FILES.get(statement.trim()).cloned().unwrap_or_else(|| shortened(statement))
}

/// The statements of the library, and the names of their files.
fn files() -> HashMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../signals-runtime/src/backend/postgres/sql");
    let files = fs::read_dir(&folder).expect("the statements of the library");
    let paths = files.map(|file| file.expect("an entry of it").path());
    paths
        .map(|path| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            (fs::read_to_string(&path).expect("a statement").trim().to_owned(), name)
        })
        .collect()
}

/// The first words of a statement, without its comments.
fn shortened(statement: &str) -> String {
    let lines = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
    let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ").chars().take(72).collect()
}
